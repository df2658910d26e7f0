// cql-execution: rules.cql, translated once, over each patient's latest versions.
// `once` asks for every patient when all is told; `each` asks for the patient at each event.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CqlTranslator, LibraryManager, ModelManager } from "@cqframework/cql/cql-to-elm";
import { SystemModelInfoProvider } from "@cqframework/cql/cql";
import cql from "cql-execution";

const [folder, passes, how, text] = process.argv.slice(2);
const NAMES = ["event", "patient", "taken", "analyte", "value", "high", "issued"];
const RULES = ["BENCH-VL", "BENCH-PSA", "BENCH-LIVER"];
const nobody = { currentPatient: () => undefined, nextPatient: () => undefined };

function library() {
  const models = new ModelManager();
  models.modelInfoLoader.registerModelInfoProvider(new SystemModelInfoProvider());
  const manager = new LibraryManager(models);
  const elm = JSON.parse(CqlTranslator.fromText(readFileSync(text, "utf8"), manager).toJson());
  const wrong = (elm.library.annotation ?? []).filter((one) => one.errorSeverity === "error");
  if (wrong.length) throw new Error(wrong.map((one) => one.message).join("; "));
  return new cql.Library(elm);
}

const rules = library();
const rows = readFileSync(join(folder, "rows.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => Object.fromEntries(JSON.parse(line).map((value, at) => [NAMES[at], value])));

async function asked(results) {
  const executor = new cql.Executor(rules, new cql.CodeService({}), { Results: results });
  const found = (await executor.exec(nobody)).unfilteredResults;
  return RULES.flatMap((rule) => found[rule].map((event) => [rule, event]));
}

async function run() {
  const patients = new Map();
  const standing = new Map();
  for (const { patient, issued, ...told } of rows) {
    if (!patients.has(patient)) patients.set(patient, new Map());
    const results = patients.get(patient);
    const before = results.get(told.event);
    if (before && before.issued >= issued) continue;
    results.set(told.event, { issued, told });
    if (how === "each") standing.set(patient, await asked(latest(results)));
  }
  if (how === "once") {
    for (const [patient, results] of patients) standing.set(patient, await asked(latest(results)));
  }
  return [...standing].flatMap(([patient, alerts]) => alerts.map((one) => [patient, ...one]));
}

const latest = (results) => [...results.values()].map((one) => one.told);

let best = Infinity;
let alerts = [];
for (let pass = 0; pass < Number(passes); pass += 1) {
  const before = process.cpuUsage();
  alerts = await run();
  const used = process.cpuUsage(before);
  best = Math.min(best, (used.user + used.system) / 1e6);
}
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(`\n${JSON.stringify({ seconds: best, rss_mb: peak, alerts })}`);
