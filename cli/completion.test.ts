/** Completion by the shells' own means: bash fills COMP_WORDS and calls the function that `complete` names. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completionScript } from "./completion";

const folder = mkdtempSync(join(tmpdir(), "completion-"));
afterAll(() => rmSync(folder, { recursive: true }));
for (const stack of ["local", "dev"]) writeFileSync(join(folder, `Pulumi.${stack}.yaml`), "");

/** What bash offers for the last word of a line. */
function offered(line: string): string[] {
  const words = line.split(" ");
  const script = `${completionScript("bash")}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}
[[ $(complete -p sparklab) =~ -F\\ ([^ ]+) ]] && "\${BASH_REMATCH[1]}" && printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter(Boolean);
}

describe("bash", () => {
  it.each([
    ["sparklab sta", ["state", "status", "start"]],
    ["sparklab state ex", ["export"]],
    ["sparklab up --ref", ["--refresh"]],
    ["sparklab up -s ", ["dev", "local"]],
    ["sparklab up --stack d", ["dev"]],
    ["sparklab up -s dev --y", ["--yes"]],
    ["sparklab state -s state l", ["list"]],
    ["sparklab state export --file Pulumi.d", ["Pulumi.dev.yaml"]],
    ["sparklab run --pipeline-id ", []],
    ["sparklab completion f", ["fish"]],
    ["sparklab doctor --", ["--fix", "--json", "--help"]],
  ])("completes `%s`", (line, expected) => expect(offered(line)).toEqual(expected));
});

describe.each(["zsh", "fish"] as const)("%s", (shell) => {
  const isThere = spawnSync(shell, ["--version"]).status === 0;
  (isThere ? it : it.skip)("takes the script", () => {
    const file = join(folder, shell);
    writeFileSync(file, completionScript(shell));
    const { status, stderr } = spawnSync(shell, ["-n", file], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  });
});
