/** What a checkout tells of a commit, asked of real repositories; and what is said where there is none, or no git. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commitIn } from "./commit";

const folder = mkdtempSync(join(tmpdir(), "commit-"));
const ABSENT = "0f".repeat(20);
// A folder above may be a repository.
const alone = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
afterAll(() => rmSync(folder, { recursive: true }));

function git(...words: string[]): string {
  const as = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
  const done = spawnSync("git", [...as, ...words], { cwd: folder, encoding: "utf8" });
  expect(done.stderr).toBe("");
  return done.stdout.trim();
}

it("says in one line where there is no git, and no repository", () => {
  expect(commitIn(folder, ABSENT, { PATH: folder })).toEqual({ untold: "no git on PATH to ask" });
  expect(commitIn(folder, ABSENT, alone)).toEqual({ untold: "this folder is no git checkout" });
});

it("tells a commit that the checkout has, and says so when it has it not", () => {
  git("init", "-q");
  git("commit", "-q", "--allow-empty", "-m", "Scores everybody");
  const found = commitIn(folder, git("rev-parse", "HEAD"), alone);
  expect(found).toEqual({ subject: "Scores everybody", at: git("log", "-1", "--format=%cI") });
  expect(commitIn(folder, ABSENT, alone)).toEqual({ untold: "not in this checkout" });
});

it("says what git says otherwise", () => {
  const broken = { ...alone, GIT_CONFIG_COUNT: "x" };
  expect(commitIn(folder, ABSENT, broken)).toEqual({
    untold: expect.stringMatching(/^git does not tell it: .*GIT_CONFIG_COUNT/),
  });
});
