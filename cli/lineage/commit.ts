/** What this checkout tells of a commit, or why it does not. */
import { spawnSync } from "node:child_process";

export type ToldCommit = { subject: string; at: string } | { untold: string };

/** @param folder The checkout. */
export function commitIn(folder: string, hash: string, environment: NodeJS.ProcessEnv): ToldCommit {
  const words = ["log", "-1", "--format=%cI %s", hash, "--"];
  const env = { ...environment, LC_ALL: "C" };
  const { error, status, stdout, stderr } = spawnSync("git", words, { cwd: folder, encoding: "utf8", env });
  if ((error as { code?: string } | undefined)?.code === "ENOENT") return { untold: "no git on PATH to ask" };
  if (error) throw error;
  const [, at, subject] = /^(\S+) (.*)$/m.exec(stdout) ?? [];
  if (status === 0 && at && subject !== undefined) return { subject, at };
  if (/not a git repository/.test(stderr)) return { untold: "this folder is no git checkout" };
  if (/bad (object|revision)|unknown revision/.test(stderr)) return { untold: "not in this checkout" };
  return { untold: `git does not tell it: ${stderr.trim().split("\n")[0]}` };
}
