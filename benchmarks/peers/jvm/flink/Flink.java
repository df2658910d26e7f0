package peers;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * Flink CEP in one slot: three patterns of two results, in event time, with a day of slack.
 *
 * <p>A pattern can't say "the first of an episode" of pairs that overlap. So the patterns find every
 * result at which a rule's condition holds, and the episodes are told apart afterwards, from all
 * rows: more than a stream would know, and to Flink's advantage.
 */
public final class Flink {
    private static final long DAY = 86_400_000L;
    private static List<Result> rows = List.of();
    private static final Set<String> FOUND = ConcurrentHashMap.newKeySet();

    private Flink() {}

    public static void main(String[] words) throws Exception {
        Stand.measure(words, Flink::run);
    }

    private static Collection<String> run(List<Result> told) throws Exception {
        rows = told;
        FOUND.clear();
        var job = StreamExecutionEnvironment.createLocalEnvironment(1);
        DataStream<Result> stream = job.fromSequence(0, told.size() - 1L)
                .map(at -> rows.get(at.intValue()))
                .returns(TypeInformation.of(Result.class))
                .assignTimestampsAndWatermarks(
                        WatermarkStrategy.<Result>forBoundedOutOfOrderness(Duration.ofDays(1))
                                .withTimestampAssigner((row, before) -> row.day * DAY));
        find(stream, "BENCH-VL", row -> row.analyte.equals("hiv_rna"), viralLoads());
        find(stream, "BENCH-PSA", row -> row.analyte.equals("psa"), psa());
        find(stream, "BENCH-LIVER", Flink::ofTheLiver, liver());
        job.execute();
        return alerts();
    }

    private static boolean ofTheLiver(Result row) {
        return row.analyte.equals("alt") || row.analyte.equals("bilirubin");
    }

    private static Pattern<Result, Result> viralLoads() {
        return first(row -> row.value > 100_000).next("second").where(
                second((one, two) -> two.value > 100_000 && two.day - one.day >= 90));
    }

    private static Pattern<Result, Result> psa() {
        return first(row -> true).followedByAny("second").where(
                second((one, two) -> two.value >= one.value + 200));
    }

    private static Pattern<Result, Result> liver() {
        return first(Result::isAbove).followedByAny("second").where(
                        second((one, two) -> two.isAbove() && !two.analyte.equals(one.analyte)))
                .within(Duration.ofDays(14).plusMillis(1));
    }

    private interface Test extends Predicate<Result>, java.io.Serializable {}

    private interface Pair extends BiPredicate<Result, Result>, java.io.Serializable {}

    private static Pattern<Result, Result> first(Test test) {
        return Pattern.<Result>begin("first", AfterMatchSkipStrategy.noSkip())
                .where(SimpleCondition.of(test::test));
    }

    private static IterativeCondition<Result> second(Pair test) {
        return new IterativeCondition<>() {
            @Override
            public boolean filter(Result two, Context<Result> matched) throws Exception {
                for (Result one : matched.getEventsForPattern("first")) {
                    return test.test(one, two);
                }
                return false;
            }
        };
    }

    private static void find(
            DataStream<Result> stream, String rule, Test wanted, Pattern<Result, Result> pattern) {
        var keyed = stream.filter(wanted::test).keyBy(row -> row.patient);
        CEP.pattern(keyed, pattern)
                .process(new Hits(rule))
                .sinkTo(new DiscardingSink<>());
    }

    /** Notes the second result of every match. */
    private static final class Hits extends PatternProcessFunction<Result, String> {
        private final String rule;

        Hits(String rule) {
            this.rule = rule;
        }

        @Override
        public void processMatch(
                Map<String, List<Result>> match, Context context, Collector<String> out) {
            FOUND.add(rule + match.get("second").get(0).event);
        }
    }

    // ------------------------------------------------------------ the first of every episode

    private static Collection<String> alerts() {
        var latest = new HashMap<String, Result>();
        for (Result row : rows) {
            latest.merge(row.event, row, (one, two) -> one.issued >= two.issued ? one : two);
        }
        var sorted = new ArrayList<>(latest.values());
        sorted.sort(Comparator.comparingInt(row -> row.day));
        var open = new HashMap<String, Boolean>();
        var alerts = new ArrayList<String>();
        for (Result row : sorted) {
            String rule = ruleOf(row);
            if (rule == null) {
                continue;
            }
            String key = rule + row.patient;
            boolean hit = FOUND.contains(rule + row.event);
            if (ends(row, hit)) {
                open.put(key, false);
            } else if (hit && !open.getOrDefault(key, false)) {
                open.put(key, true);
                alerts.add(Stand.alert(row.patient, rule, row.event));
            }
        }
        return alerts;
    }

    private static String ruleOf(Result row) {
        return switch (row.analyte) {
            case "hiv_rna" -> "BENCH-VL";
            case "psa" -> "BENCH-PSA";
            case "alt", "bilirubin" -> "BENCH-LIVER";
            default -> null;
        };
    }

    private static boolean ends(Result row, boolean hit) {
        return switch (row.analyte) {
            case "hiv_rna" -> row.value <= 100_000;
            case "psa" -> !hit;
            default -> !row.isAbove();
        };
    }
}
