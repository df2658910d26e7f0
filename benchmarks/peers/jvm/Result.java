package peers;

/** One version of a result: day as an ordinal, values in hundredths, no limit is -1. */
public final class Result implements java.io.Serializable {
    public String event;
    public String patient;
    public int day;
    public String analyte;
    public long value;
    public long high;
    public long issued;

    public Result() {}

    public Result(
            String event, String patient, int day, String analyte, long value, long high,
            long issued) {
        this.event = event;
        this.patient = patient;
        this.day = day;
        this.analyte = analyte;
        this.value = value;
        this.high = high;
        this.issued = issued;
    }

    public String getEvent() { return event; }
    public String getPatient() { return patient; }
    public int getDay() { return day; }
    public String getAnalyte() { return analyte; }
    public long getValue() { return value; }
    public long getHigh() { return high; }

    /** Whether it lies above its multiple of the upper limit; of ALT and bilirubin only. */
    public boolean isAbove() {
        return value > (analyte.equals("alt") ? 3 : 2) * high;
    }
}
