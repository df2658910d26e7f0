package peers;

import java.util.Objects;

/** The first qualifying result of an episode. */
public final class Alert {
    private final String rule;
    private final String patient;
    private final String event;

    public Alert(Qualifies first) {
        this.rule = first.getRule();
        this.patient = first.getPatient();
        this.event = first.getEvent();
    }

    public String getRule() { return rule; }
    public String getPatient() { return patient; }
    public String getEvent() { return event; }

    @Override
    public boolean equals(Object other) {
        return other instanceof Alert one && one.rule.equals(rule) && one.event.equals(event);
    }

    @Override
    public int hashCode() {
        return Objects.hash(rule, event);
    }
}
