/** What `npm test` does once Node is known to be new enough. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runInForeground } from "./child.mjs";
import { duration } from "./progress.mjs";
import { runnersOf } from "./runners.mjs";
import { asProgram, root, setUp } from "./set-up.mjs";
import { SetupError } from "./steps.mjs";
import { closingLine, judge, select, sumOf } from "./summary.mjs";
import { inTurns } from "./turns.mjs";

/** What the long tests use beside what every set-up makes. */
const ON_DEMAND = ["notebooks", "airflow"];

/** Ctrl-C reaches the runners by itself; here it keeps the others from being begun. */
const interrupt = new AbortController();

await asProgram(async ({ signal, release }) => {
  const { values, positionals } = parseWords(process.argv.slice(2));
  const { tools, manifest, finished } = await setUp({
    purpose: "npm test",
    demand: values.deep ? ON_DEMAND : [],
    signal,
  });
  // Tests use everything.
  await finished;
  release();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => interrupt.abort());
  const reports = join(tools, "reports");
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const all = runnersOf({ root, manifest, reports });
  const chosen = select(all, { deep: values.deep, only: values.only?.split(","), files: positionals });
  const outcomes = await runPaired(
    chosen.filter(({ runner }) => runner.paired),
    reports,
  );
  for (const one of chosen.filter(({ runner }) => !runner.paired)) outcomes.push(await runLive(one));
  if (interrupt.signal.aborted) {
    process.stderr.write("\nInterrupted.\n");
    return 130;
  }
  for (const { name, seconds, counts, problem } of outcomes) {
    const note = problem === undefined ? "" : `  ${problem}`;
    process.stdout.write(`  ${name.padEnd(12)} ${closingLine(counts).padEnd(34)} ${duration(seconds)}${note}\n`);
  }
  const total = sumOf(outcomes.map((outcome) => outcome.counts));
  if (total.passed + total.failed === 0) process.stdout.write("No test ran.\n");
  process.stdout.write(`\n${closingLine(total)}\n`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
});

/** Two at a time, because each is busy with about one core; what one says is told whole when it has ended. */
async function runPaired(chosen, reports) {
  if (chosen.length < 2) return Promise.all(chosen.map(runLive));
  process.stdout.write(`\n── two at a time: ${chosen.map(({ runner }) => runner.name).join(", ")}\n`);
  const jobs = chosen.map((one) => async () => {
    if (interrupt.signal.aborted) return undefined;
    const told = join(reports, `${one.runner.name}.txt`);
    const file = openSync(told, "w");
    const outcome = await runOne(one, file, file);
    closeSync(file);
    process.stdout.write(`\n── ${outcome.name}: ${duration(outcome.seconds)}\n${readFileSync(told, "utf8")}`);
    return outcome;
  });
  return inTurns(jobs, 2);
}

function runLive(one) {
  if (interrupt.signal.aborted) return undefined;
  process.stdout.write(`\n── ${one.runner.name}\n`);
  return runOne(one, "inherit", "inherit");
}

async function runOne({ runner, files }, stdout, stderr) {
  const started = performance.now();
  const [command, ...args] = runner.command(files);
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...runner.env }).filter(([, value]) => value !== undefined),
  );
  // jest repeats its report on standard output; what a person reads goes to standard error.
  const code = await runInForeground(command, args, {
    ...{ cwd: root, env, stderr },
    stdout: runner.quiet ? "ignore" : stdout,
  });
  return { name: runner.name, seconds: (performance.now() - started) / 1000, ...judge(runner, code) };
}

function parseWords(words) {
  try {
    const options = { deep: { type: "boolean", default: false }, only: { type: "string" } };
    return parseArgs({ args: words, options, allowPositionals: true });
  } catch (error) {
    throw new SetupError(`npm test: ${error.message} Try \`npm test -- --only jest,pytest\` or \`npm test -- FILE\`.`);
  }
}
