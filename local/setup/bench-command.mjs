/** What `npm run bench` does once Node is known to be new enough. */
import { spawn } from "node:child_process";
import { lastObject, table } from "./bench-output.mjs";
import { benchesOf } from "./benches.mjs";
import { duration } from "./progress.mjs";
import { asProgram, root, setUp } from "./set-up.mjs";
import { SetupError } from "./steps.mjs";

await asProgram(async ({ signal }) => {
  const { manifest } = await setUp({ purpose: "npm run bench", signal });
  const benches = benchesOf({ root, manifest });
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !benches.some((bench) => bench.name === name));
  const known = benches.map((bench) => bench.name).join(", ");
  if (unknown.length > 0) throw new SetupError(`bench: got ${unknown.join(", ")}; expected some of ${known}.`);
  const rows = [];
  const broken = [];
  for (const bench of benches.filter(({ name }) => named.length === 0 || named.includes(name))) {
    process.stderr.write(`── ${bench.name}\n`);
    const started = performance.now();
    const { code, output } = await run(bench, signal);
    process.stderr.write(`   ${duration((performance.now() - started) / 1000)}\n`);
    if (code === 0) rows.push(...bench.rows(lastObject(output)));
    else broken.push(`${bench.name} ended with exit code ${code}`);
  }
  process.stdout.write(table(rows));
  for (const line of broken) process.stdout.write(`${line}\n`);
  return broken.length > 0 ? 1 : 0;
});

/** Standard output is read, standard error goes to the person who waits. */
function run({ command: [command, ...args], env }, signal) {
  return new Promise((resolve, reject) => {
    const variables = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
    const child = spawn(command, args, {
      cwd: root,
      env: Object.fromEntries(variables),
      stdio: ["ignore", "pipe", "inherit"],
      signal,
    });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output: Buffer.concat(chunks).toString("utf8") }));
  });
}
