/** Which commit is deployed, asked of real repositories. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deployedCommit } from "./commit";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "commit-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function git(...words: string[]): string {
  const as = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
  const done = spawnSync("git", [...as, ...words], { cwd: folder, encoding: "utf8" });
  expect(done.stderr).toBe("");
  return done.stdout.trim();
}

function commit(file: string, text: string): string {
  mkdirSync(join(folder, file, ".."), { recursive: true });
  writeFileSync(join(folder, file), text);
  git("add", "-A");
  git("commit", "-q", "-m", text);
  return git("rev-parse", "HEAD");
}

it("is the last commit of what the program reads, whatever is committed beside it", () => {
  git("init", "-q");
  const deployed = commit("pyspark/jobs/job.py", "one");
  expect(commit("docs/page.md", "two")).not.toBe(deployed);
  expect(deployedCommit(folder)).toBe(deployed);
  const later = commit("Pulumi.dev.yaml", "three");
  expect(deployedCommit(folder)).toBe(later);
});

it("says so when a file differs from it, and not for a file that is not deployed", () => {
  git("init", "-q");
  const deployed = commit("stacks/lab.ts", "one");
  writeFileSync(join(folder, "notes.txt"), "draft");
  expect(deployedCommit(folder)).toBe(deployed);
  mkdirSync(join(folder, "components"));
  writeFileSync(join(folder, "components", "new.ts"), "draft");
  expect(deployedCommit(folder)).toBe(`${deployed}-dirty`);
});

it("is unknown where there is no repository, before the first commit, and without git", () => {
  expect(deployedCommit(folder)).toBe("unknown");
  git("init", "-q");
  expect(deployedCommit(folder)).toBe("unknown");
  commit("stacks/lab.ts", "one");
  expect(deployedCommit(folder, { PATH: folder })).toBe("unknown");
});
