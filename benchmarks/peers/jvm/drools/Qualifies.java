package peers;

import java.util.Objects;

/** A result at which a rule's condition holds, whether or not an episode is open already. */
public final class Qualifies {
    private final String rule;
    private final String patient;
    private final String event;
    private final int day;

    public Qualifies(String rule, Result result) {
        this.rule = rule;
        this.patient = result.patient;
        this.event = result.event;
        this.day = result.day;
    }

    public String getRule() { return rule; }
    public String getPatient() { return patient; }
    public String getEvent() { return event; }
    public int getDay() { return day; }

    @Override
    public boolean equals(Object other) {
        return other instanceof Qualifies one && one.rule.equals(rule) && one.event.equals(event);
    }

    @Override
    public int hashCode() {
        return Objects.hash(rule, event);
    }
}
