package peers;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.kie.api.KieBase;
import org.kie.api.KieServices;
import org.kie.api.builder.Message;
import org.kie.api.runtime.KieSession;
import org.kie.api.runtime.rule.FactHandle;

/**
 * Drools: results as facts, rules.drl over them, fired after each. With `logical` what follows is
 * inserted logically and falls when its reason falls; with `plain` it stays. A newer version of an
 * event takes the place of the older one.
 */
public final class Drools {
    private Drools() {}

    public static void main(String[] words) throws Exception {
        KieBase rules = compiled(words[2].equals("logical"));
        Stand.measure(words, rows -> run(rules, rows));
    }

    private static KieBase compiled(boolean logical) throws Exception {
        String text = Files.readString(resource());
        if (!logical) {
            text = text.replace("insertLogical(", "insert(");
        }
        KieServices services = KieServices.Factory.get();
        var files = services.newKieFileSystem();
        files.write("src/main/resources/rules.drl", text);
        var builder = services.newKieBuilder(files).buildAll();
        if (builder.getResults().hasMessages(Message.Level.ERROR)) {
            throw new IllegalStateException(builder.getResults().toString());
        }
        var module = builder.getKieModule().getReleaseId();
        return services.newKieContainer(module).getKieBase();
    }

    private static Path resource() throws Exception {
        return Path.of(Drools.class.getResource("/rules.drl").toURI());
    }

    private static Set<String> run(KieBase rules, List<Result> rows) {
        KieSession session = rules.newKieSession();
        var known = new HashMap<String, FactHandle>();
        var issued = new HashMap<String, Long>();
        for (Result row : rows) {
            Long before = issued.get(row.event);
            if (before != null && before >= row.issued) {
                continue;
            }
            issued.put(row.event, row.issued);
            if (before != null) {
                session.delete(known.get(row.event));
            }
            known.put(row.event, session.insert(row));
            session.fireAllRules();
        }
        var alerts = new HashSet<String>();
        for (Object found : session.getObjects(one -> one instanceof Alert)) {
            Alert alert = (Alert) found;
            alerts.add(Stand.alert(alert.getPatient(), alert.getRule(), alert.getEvent()));
        }
        session.dispose();
        return alerts;
    }
}
