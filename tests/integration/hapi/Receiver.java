import ca.uhn.hl7v2.AcknowledgmentCode;
import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.ErrorCode;
import ca.uhn.hl7v2.HL7Exception;
import ca.uhn.hl7v2.HapiContext;
import ca.uhn.hl7v2.app.HL7Service;
import ca.uhn.hl7v2.llp.MinLowerLayerProtocol;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.model.v25.message.MDM_T02;
import ca.uhn.hl7v2.model.v25.message.ORU_R01;
import ca.uhn.hl7v2.model.v25.segment.OBX;
import ca.uhn.hl7v2.parser.CanonicalModelClassFactory;
import ca.uhn.hl7v2.protocol.ReceivingApplication;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.util.idgenerator.InMemoryIDGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import java.util.StringJoiner;

/**
 * A record that takes documents and reports by HL7 v2 through HAPI.
 *
 * <p>Argument: port. How a message is answered is its own wish, in MSH-6: {@code AE}, {@code AR207}
 * and so on; anything else is accepted. Standard output has one line for each message, its fields
 * separated by blanks and each in Base64: structure, MSH-10, PID-3, TXA-12, TXA-13, the text.
 */
public final class Receiver implements ReceivingApplication<Message> {
    private static final Map<String, ErrorCode> ERRORS =
            Map.of(
                    "102", ErrorCode.DATA_TYPE_ERROR,
                    "201", ErrorCode.UNSUPPORTED_EVENT_CODE,
                    "207", ErrorCode.APPLICATION_INTERNAL_ERROR);

    public static void main(String[] arguments) throws Exception {
        HapiContext context = new DefaultHapiContext();
        context.setModelClassFactory(new CanonicalModelClassFactory("2.5"));
        context.setLowerLayerProtocol(new MinLowerLayerProtocol(true)); // MSH-18 is respected
        // The usual one keeps its numbers in a file of the working directory.
        context.getParserConfiguration().setIdGenerator(new InMemoryIDGenerator());
        HL7Service server = context.newServer(Integer.parseInt(arguments[0]), false);
        server.registerApplication(new Receiver());
        server.startAndWait();
        System.out.println("LISTENING");
    }

    @Override
    public boolean canProcess(Message message) {
        return true;
    }

    @Override
    public Message processMessage(Message message, Map<String, Object> metadata)
            throws HL7Exception {
        try {
            String wish = new Terser(message).get("/MSH-6");
            System.out.println(told(message));
            if (!wish.matches("A[ER]\\d*")) {
                return message.generateACK();
            }
            ErrorCode error = ERRORS.getOrDefault(wish.substring(2), ErrorCode.DATA_TYPE_ERROR);
            AcknowledgmentCode code = AcknowledgmentCode.valueOf(wish.substring(0, 2));
            return message.generateACK(code, new HL7Exception("as wished", error));
        } catch (IOException impossible) {
            throw new HL7Exception(impossible);
        }
    }

    private static String told(Message message) throws HL7Exception {
        Terser terser = new Terser(message);
        StringJoiner text = new StringJoiner("\n");
        StringJoiner line = new StringJoiner(" ");
        if (message instanceof MDM_T02) {
            for (var group : ((MDM_T02) message).getOBXNTEAll()) {
                text.add(value(group.getOBX()));
            }
        } else if (message instanceof ORU_R01) {
            for (var order : ((ORU_R01) message).getPATIENT_RESULT().getORDER_OBSERVATIONAll()) {
                text.add("OBR-3 " + order.getOBR().getFillerOrderNumber().encode());
                for (var group : order.getOBSERVATIONAll()) {
                    text.add(value(group.getOBX()));
                }
            }
        }
        boolean document = message.getName().startsWith("MDM");
        line.add(coded(message.getName()));
        line.add(coded(terser.get("/MSH-10")));
        line.add(coded(terser.get(message instanceof ORU_R01 ? "/.PID-3" : "/PID-3")));
        line.add(coded(document ? terser.get("/TXA-12") : ""));
        line.add(coded(document ? terser.get("/TXA-13") : ""));
        line.add(coded(text.toString()));
        return line.toString();
    }

    private static String value(OBX found) throws HL7Exception {
        return found.getObservationValue(0).getData().toString();
    }

    private static String coded(String text) {
        byte[] bytes = (text == null ? "" : text).getBytes(StandardCharsets.UTF_8);
        return "=" + Base64.getEncoder().encodeToString(bytes);
    }
}
