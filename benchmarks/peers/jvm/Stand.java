package peers;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/** What the programs in Java share: the rows, the clock, the answer. See programs/stand.py. */
public final class Stand {
    /** Makes a fresh state, takes in everything, gives the alerts as JSON arrays. */
    public interface Engine {
        Collection<String> run(List<Result> rows) throws Exception;
    }

    private Stand() {}

    /** Measures the passes; the best counts, so that the first ones may warm the machine. */
    public static void measure(String[] words, Engine engine) throws Exception {
        List<Result> rows = read(Path.of(words[0], "rows.jsonl"));
        var system = (com.sun.management.OperatingSystemMXBean)
                ManagementFactory.getOperatingSystemMXBean();
        long best = Long.MAX_VALUE;
        Collection<String> alerts = List.of();
        for (int pass = Integer.parseInt(words[1]); pass > 0; pass--) {
            System.gc();
            long begun = system.getProcessCpuTime();
            alerts = engine.run(rows);
            best = Math.min(best, system.getProcessCpuTime() - begun);
        }
        System.out.printf(
                java.util.Locale.ROOT, "%n{\"seconds\": %.6f, \"rss_mb\": %d, \"alerts\": [%s]}%n",
                best / 1e9, peak(), String.join(", ", new TreeSet<>(alerts)));
    }

    /** An alert, as a JSON array. */
    public static String alert(String patient, String rule, String event) {
        return "[\"" + patient + "\", \"" + rule + "\", \"" + event + "\"]";
    }

    private static List<Result> read(Path file) throws IOException {
        var rows = new ArrayList<Result>();
        for (String line : Files.readAllLines(file)) {
            String[] cell = line.substring(1, line.length() - 1).replace("\"", "").split(", ");
            long high = cell[5].equals("null") ? -1 : Long.parseLong(cell[5]);
            rows.add(new Result(cell[0], cell[1], Integer.parseInt(cell[2]), cell[3],
                    Long.parseLong(cell[4]), high, Long.parseLong(cell[6])));
        }
        return rows;
    }

    /** The most memory that this process had, in megabytes. */
    private static long peak() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        return 0;
    }
}
