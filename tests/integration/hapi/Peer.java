import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HL7Exception;
import ca.uhn.hl7v2.HapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.llp.LLPException;
import ca.uhn.hl7v2.llp.MinLowerLayerProtocol;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.model.v25.datatype.NM;
import ca.uhn.hl7v2.model.v25.message.ORU_R01;
import ca.uhn.hl7v2.model.v25.segment.OBR;
import ca.uhn.hl7v2.model.v25.segment.OBX;
import ca.uhn.hl7v2.model.v25.segment.PID;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.util.idgenerator.InMemoryIDGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A laboratory that speaks HL7 v2 through HAPI.
 *
 * <p>Arguments: port, connections, messages on each, messages under way on each. Every message is
 * sent until it is accepted, over a new connection if the old one broke. Standard output has one
 * line for each: {@code ACCEPTED} or {@code REFUSED}, its MSH-10 and the answer's code.
 */
public final class Peer {
    private static final long PATIENCE_MS = 1000;
    private static final long PAUSE_MS = 50;

    private final HapiContext context;
    private final int port;
    private final int number;
    private final int messages;
    private final AtomicInteger next = new AtomicInteger();
    private Connection connection;

    private Peer(HapiContext context, int port, int number, int messages) {
        this.context = context;
        this.port = port;
        this.number = number;
        this.messages = messages;
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        int connections = Integer.parseInt(arguments[1]);
        int messages = Integer.parseInt(arguments[2]);
        int window = Integer.parseInt(arguments[3]);
        HapiContext context = new DefaultHapiContext();
        context.setLowerLayerProtocol(new MinLowerLayerProtocol(true)); // MSH-18 is respected
        context.getParserConfiguration().setIdGenerator(new InMemoryIDGenerator());
        List<Thread> threads = new ArrayList<>();
        for (int number = 0; number < connections; number++) {
            Peer peer = new Peer(context, port, number, messages);
            for (int thread = 0; thread < window; thread++) {
                threads.add(new Thread(peer::send));
            }
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        System.exit(0); // HAPI's own threads would wait
    }

    /** One of several threads that share a connection: so several messages are under way on it. */
    private void send() {
        try {
            for (int at = next.getAndIncrement(); at < messages; at = next.getAndIncrement()) {
                String control = "P" + number + "M" + at;
                String code = insist(message(control, at), control);
                String verdict = code.equals("AA") ? "ACCEPTED " : "REFUSED ";
                System.out.println(verdict + control + " " + code);
            }
        } catch (HL7Exception | IOException | InterruptedException defect) {
            System.out.println("REFUSED - " + defect);
        }
    }

    /** Sends until somebody answers, and gives the code of the answer. */
    private String insist(Message message, String control)
            throws HL7Exception, InterruptedException {
        while (true) {
            Connection used = open();
            try {
                Terser answer = new Terser(used.getInitiator().sendAndReceive(message));
                String about = answer.get("/MSA-2");
                return control.equals(about) ? answer.get("/MSA-1") : "to " + about;
            } catch (HL7Exception | LLPException | IOException broken) {
                drop(used);
            }
        }
    }

    private synchronized Connection open() throws InterruptedException {
        while (connection == null) {
            try {
                connection = context.newClient("127.0.0.1", port, false);
                connection.getInitiator().setTimeout(PATIENCE_MS, TimeUnit.MILLISECONDS);
            } catch (HL7Exception nobodyListens) {
                Thread.sleep(PAUSE_MS);
            }
        }
        return connection;
    }

    private synchronized void drop(Connection broken) {
        if (connection == broken) {
            try {
                connection.close();
            } catch (IOException alreadyClosed) {
                // that is what was wanted
            }
            connection = null;
        }
    }

    private Message message(String control, int at) throws HL7Exception, IOException {
        ORU_R01 message = new ORU_R01();
        message.setParser(context.getPipeParser());
        message.initQuickstart("ORU", "R01", "P");
        Terser terser = new Terser(message);
        terser.set("/MSH-3", "HAPI");
        terser.set("/MSH-4", "HOSP");
        terser.set("/MSH-10", control);
        terser.set("/MSH-18", "UNICODE UTF-8");
        PID patient = message.getPATIENT_RESULT().getPATIENT().getPID();
        patient.getPatientIdentifierList(0).getIDNumber().setValue(number + "-" + at % 50);
        patient.getPatientIdentifierList(0).getAssigningAuthority().getNamespaceID().setValue("HOSP");
        patient.getPatientIdentifierList(0).getIdentifierTypeCode().setValue("MR");
        patient.getPatientName(0).getFamilyName().getSurname().setValue("Synthétique | & Söhne");
        result(message, control, at);
        return message;
    }

    private static void result(ORU_R01 message, String control, int at) throws HL7Exception {
        OBR order = message.getPATIENT_RESULT().getORDER_OBSERVATION().getOBR();
        order.getFillerOrderNumber().getEntityIdentifier().setValue(control);
        order.getObservationDateTime().getTime().setValue("20260304080000+0000");
        OBX found = message.getPATIENT_RESULT().getORDER_OBSERVATION().getOBSERVATION().getOBX();
        found.getValueType().setValue("NM");
        found.getObservationIdentifier().getIdentifier().setValue("25836-8");
        found.getObservationIdentifier().getNameOfCodingSystem().setValue("LN");
        NM value = new NM(message);
        value.setValue(Integer.toString(20 + at % 5));
        found.getObservationValue(0).setData(value);
        found.getUnits().getIdentifier().setValue("{copies}/mL");
        found.getObservationResultStatus().setValue("F");
    }
}
