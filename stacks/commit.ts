/** The commit that the lab is deployed from: the last one that changed anything that the program reads. */
import { spawnSync } from "node:child_process";

/** What the program and what it delivers are made of. A commit of anything else, such as a page of documentation, deploys nothing. */
const DEPLOYED = ["stacks", "components", "functions", "pyspark", "notebooks", "Pulumi*.yaml", "package-lock.json"];
/** Where there is no git, or no repository: the files were copied or downloaded without one. */
export const UNKNOWN_COMMIT = "unknown";

/** Forty digits, with `-dirty` behind them when a file differs from the commit. @param folder The checkout. */
export function deployedCommit(folder = ".", environment?: NodeJS.ProcessEnv): string {
  const git = (...words: string[]) => answerOf(words, folder, environment);
  const commit = git("log", "-1", "--format=%H", "--", ...DEPLOYED);
  const changes = git("status", "--porcelain", "--", ...DEPLOYED);
  if (!commit || changes === undefined) return UNKNOWN_COMMIT;
  return changes === "" ? commit : `${commit}-dirty`;
}

function answerOf(words: readonly string[], cwd: string, env: NodeJS.ProcessEnv | undefined): string | undefined {
  // A lock is not taken: somebody may be committing at this moment.
  const done = spawnSync("git", ["--no-optional-locks", ...words], { cwd, env, encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : undefined;
}
