/** From runners to one closing line: which of them run, what each came to, and the sum. */
import { SetupError } from "./steps.mjs";

/** The runners that were asked for, each with the files that it is to take (none: all of its own). */
export function select(runners, { deep, only, files }) {
  const unknown = (only ?? []).filter((name) => !runners.some((runner) => runner.name === name));
  if (unknown.length > 0)
    throw new SetupError(
      `--only: got ${unknown.join(", ")}; expected some of ${runners.map((runner) => runner.name).join(", ")}.`,
    );
  const strange = files.filter((file) => !runners.some((runner) => runner.files?.test(file)));
  if (strange.length > 0)
    throw new SetupError(
      `test files: got ${strange.join(", ")}; expected names that end in .test.ts, .test.mjs or .py.`,
    );
  return runners
    .filter((runner) => (only === undefined ? files.length > 0 || runner.deep === deep : only.includes(runner.name)))
    .map((runner) => ({ runner, files: files.filter((file) => runner.files?.test(file)) }))
    .filter(({ files: own }) => files.length === 0 || own.length > 0);
}

/** What a runner came to. One that ends badly without naming a failed test has failed all the same. */
export function judge(runner, code) {
  let counts = { passed: 0, failed: 0, skipped: 0 };
  let problem;
  try {
    counts = runner.count(code);
  } catch (error) {
    problem = error.message;
  }
  const ended = code === 0 || (runner.accepts ?? []).includes(code);
  if (!ended && counts.failed === 0) problem ??= `ended with exit code ${code}`;
  if (problem !== undefined) counts = { ...counts, failed: counts.failed + 1 };
  return { counts, problem };
}

export function sumOf(all) {
  const sum = (name) => all.reduce((total, counts) => total + counts[name], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
