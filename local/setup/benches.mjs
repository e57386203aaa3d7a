/**
 * The benches. To add one, either
 * - write `local/bench/<name>.ts`: a program whose last line on standard output is one JSON object
 *   `{ "rows": [Row, ...] }`; it is found by its file, or
 * - add an entry to `built` below, for a program that is there already and speaks in another form.
 *
 * @typedef {object} Row          one comparison; both figures come from the same run
 * @property {string} what        e.g. "batch against bare spark-submit"
 * @property {number} ours
 * @property {number} [other]     what it is compared with; left out for a figure that stands alone
 * @property {string} unit        e.g. "s", "requests/s"
 * @property {number} [ratio]     as the goal is worded; ours / other if it is not given
 * @property {{ atMost?: number, atLeast?: number }} [goal]   of the ratio, or of `ours` where nothing is compared
 *
 * @typedef {{ name: string, command: string[], env?: object, rows: (last: any) => Row[] }} Bench
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

/** @returns {Bench[]} */
export function benchesOf({ root, manifest }) {
  return [...built({ manifest }), ...found(root)];
}

/** @returns {Bench[]} */
function built({ manifest }) {
  const { clients } = manifest.python;
  const env = {
    JAVA_HOME: manifest.javaHome,
    PYSPARK_PYTHON: clients,
    PYSPARK_DRIVER_PYTHON: clients,
    SPARK_HOME: undefined,
  };
  const spark = (name, rows) => ({
    ...{ name, rows, env },
    command: [clients, `pyspark/bench/${name}.py`, manifest.data],
  });
  return [spark("training", trainingRows), spark("tuning", tuningRows)];
}

/** The goal is 4 times the speed of the lab's own way, all 135 fits of it, at an AUROC that is no worse. */
export function tuningRows({ ours, lab, tune_s_ratio: ratio }) {
  return [
    {
      what: `tuning: ${ours.scores} scores, the lab's way`,
      ...{ ours: ours.tune_s, other: lab.tune_s, unit: "s", ratio, goal: { atLeast: 4 } },
    },
    {
      what: "tuning: AUROC of the best combination, against the lab's way",
      ...{ ours: ours.best_area_roc, other: lab.best_area_roc, unit: "" },
      ...{ ratio: lab.best_area_roc - ours.best_area_roc, goal: { atMost: 0.005 } },
    },
  ];
}

/** The goal is 5 times the speed of the lab's own way at an AUROC that differs by at most 0.005. */
export function trainingRows({ ours, ours_on_the_labs_features: same, lab, ...compared }) {
  const { times_faster: ratio, area_roc_difference: difference } = compared;
  const roc = {
    what: `training: AUROC on the lab's features, difference from the lab's way (ours on all: ${ours.area_roc})`,
    ours: same.area_roc,
    other: lab.area_roc,
    unit: "",
  };
  return [
    {
      what: "training: table to fitted forest, the lab's way",
      ours: ours.train_s,
      other: lab.train_s,
      unit: "s",
      ratio,
      goal: { atLeast: 5 },
    },
    { ...roc, ratio: Math.abs(difference), goal: { atMost: 0.005 } },
  ];
}

/** @returns {Bench[]} */
function found(root) {
  const folder = join(root, "local", "bench");
  if (!existsSync(folder)) return [];
  // What benches share is no bench.
  const isBench = (file) => file.endsWith(".ts") && !/\.(deep\.)?test\.ts$/.test(file) && file !== "temporary-lab.ts";
  const files = readdirSync(folder).filter(isBench);
  return files.sort().map((file) => ({
    name: basename(file, ".ts"),
    command: [process.execPath, "--import", "tsx", join(folder, file)],
    rows: ({ rows }) => rows,
  }));
}

/** Whether a row reaches its goal; undefined when it has none. */
export function reaches({ ours, other, ratio, goal }) {
  if (goal === undefined) return undefined;
  const value = other === undefined ? ours : (ratio ?? ours / other);
  return value <= (goal.atMost ?? Infinity) && value >= (goal.atLeast ?? -Infinity);
}
