/** What `npm test` does once Node is known to be new enough. */
import { mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runInForeground } from "./child.mjs";
import { duration } from "./progress.mjs";
import { runnersOf } from "./runners.mjs";
import { asProgram, root, setUp } from "./set-up.mjs";
import { SetupError } from "./steps.mjs";
import { closingLine, judge, select, sumOf } from "./summary.mjs";

/** What the long tests use beside what every set-up makes. */
const ON_DEMAND = ["notebooks", "airflow"];

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
  const reports = join(tools, "reports");
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const all = runnersOf({ root, manifest, reports });
  const chosen = select(all, { deep: values.deep, only: values.only?.split(","), files: positionals });
  const outcomes = await runChecks(
    chosen.filter(({ runner }) => runner.isCheck),
    reports,
  );
  for (const { runner, files } of chosen) {
    if (runner.isCheck) continue;
    process.stdout.write(`\n── ${runner.name}\n`);
    // jest repeats its report on standard output; what a person reads goes to standard error.
    outcomes.push(await runOne(runner, files, runner.quiet ? openSync("/dev/null", "w") : "inherit"));
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

/** At once, for each uses one core; what they say is told one after the other. */
async function runChecks(chosen, reports) {
  if (chosen.length > 0) process.stdout.write(`\n── ${chosen.map(({ runner }) => runner.name).join(", ")}\n`);
  const output = ({ name }) => join(reports, `${name}.txt`);
  const running = chosen.map(async ({ runner, files }) => {
    const outcome = await runOne(runner, files, openSync(output(runner), "w"));
    process.stdout.write(`  ${outcome.name} ended after ${duration(outcome.seconds)}\n`);
    return outcome;
  });
  const outcomes = await Promise.all(running);
  for (const { runner } of chosen) process.stdout.write(readFileSync(output(runner), "utf8"));
  return outcomes;
}

async function runOne(runner, files, stdout) {
  const started = performance.now();
  const [command, ...args] = runner.command(files);
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...runner.env }).filter(([, value]) => value !== undefined),
  );
  const code = await runInForeground(command, args, { cwd: root, env, stdout });
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
