/** What `npm start` does once Node is known to be new enough. */
import { join } from "node:path";
import { runInForeground } from "./child.mjs";
import { asProgram, root, setUp } from "./set-up.mjs";
import { parseStartWords, USAGE } from "./start-words.mjs";

await asProgram(async ({ signal, release }) => {
  const words = process.argv.slice(2);
  const { data, help } = parseStartWords(words);
  if (help) {
    process.stdout.write(`${USAGE}\nREADME.md says what it does, docs/cli.md what each option is for.\n`);
    return 0;
  }
  const { progress, late, finished } = await setUp({ purpose: "npm start", data, signal });
  release();
  progress.handOver();
  const code = await runInForeground(process.execPath, [join(root, "cli", "bin", "sparklab.mjs"), "start", ...words], {
    cwd: root,
    late,
  });
  await finished;
  return code;
});
