/** What `npm start` does once Node is known to be new enough. */
import { join } from "node:path";
import { runInForeground } from "./child.mjs";
import { asProgram, root, setUp } from "./set-up.mjs";
import { SetupError } from "./steps.mjs";

await asProgram(async ({ signal, release }) => {
  const words = process.argv.slice(2);
  const { progress, late, finished } = await setUp({ purpose: "npm start", data: dataOf(words), signal });
  release();
  progress.handOver();
  const code = await runInForeground(process.execPath, [join(root, "cli", "bin", "sparklab.mjs"), "start", ...words], {
    cwd: root,
    late,
  });
  await finished;
  return code;
});

/** The user's own CSV, when one is named; every other word is the command line's. */
function dataOf(words) {
  const at = words.findIndex((word) => word === "--data" || word.startsWith("--data="));
  if (at === -1) return undefined;
  const value = words[at].startsWith("--data=") ? words[at].slice("--data=".length) : words[at + 1];
  if (!value)
    throw new SetupError("--data: got nothing; expected a CSV file. Try `npm start -- --data customers.csv`.");
  return value;
}
