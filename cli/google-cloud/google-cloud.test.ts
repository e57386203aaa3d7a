/**
 * Stacks on Google Cloud: the command lines that Pulumi's Automation API sends to the CLI, written down by a program of
 * that name, and what a person is told.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { version as SDK } from "@pulumi/pulumi/package.json";
import { openLab } from "../lab";
import { tell } from "../testing-terminal";

const folder = mkdtempSync(join(tmpdir(), "pulumi-"));
const log = join(folder, "log");
const before = { ...process.env };

afterAll(() => rmSync(folder, { recursive: true }));
// The Automation API looks for the CLI on this process's own PATH.
afterEach(() => void (process.env = { ...before }));

interface Setting {
  says?: object;
  /** Whether there is a terminal, and what is answered on it. */
  answer?: boolean;
  path?: string;
}

async function sparklab(line: string, { says = {}, answer, path }: Setting = {}) {
  Object.assign(process.env, {
    PATH: path ?? `${resolve(__dirname, "../testdata/pulumi-cli")}:${before.PATH}`,
    ...{ PULUMI_LOG: log, PULUMI_SAYS: JSON.stringify(says) },
  });
  writeFileSync(log, "");
  const told = await tell(line, openLab({}), answer);
  const lines = readFileSync(log, "utf8").split("\n").filter(Boolean);
  return { ...told, lines: lines.filter((sent) => sent !== "version" && !sent.startsWith("stack select")) };
}

const AFTER_UP = [
  "stack output --json --stack dev --non-interactive",
  "stack output --json --show-secrets --stack dev --non-interactive",
];
const history = (more = "") => `stack history --json${more} --page-size 1 --page 1 --stack dev --non-interactive`;
const END = "--stack dev --non-interactive";

describe("the verbs", () => {
  it.each([
    ["preview -s dev", [`preview --color auto --exec-kind auto.local --event-log <address> ${END}`]],
    [
      "preview -s dev --json --diff -r -p 4 -t urn:1 -t urn:2 --policy-pack a -c prefix=x",
      [
        `preview --refresh --diff --target urn:1 --target urn:2 --policy-pack a --parallel 4 --config-file <folder>/Pulumi.dev.yaml --exec-kind auto.local --event-log <address> ${END}`,
      ],
    ],
    [
      "up -s dev --yes",
      [
        `preview --color auto --exec-kind auto.local --event-log <address> ${END}`,
        `up --yes --skip-preview --color auto --exec-kind auto.local ${END}`,
        ...AFTER_UP,
        history(),
      ],
    ],
    [
      "up -s dev --yes --skip-preview --refresh --show-secrets",
      [
        `up --yes --skip-preview --refresh --color auto --exec-kind auto.local ${END}`,
        ...AFTER_UP,
        history(" --show-secrets"),
      ],
    ],
    [
      "destroy -s dev --yes --json",
      [`stack export ${END}`, `destroy --yes --skip-preview --exec-kind auto.local ${END}`, history()],
    ],
    [
      "refresh -s dev --yes",
      [
        `refresh --preview-only --color auto --exec-kind auto.local --event-log <address> ${END}`,
        `refresh --skip-preview --yes --color auto --exec-kind auto.local ${END}`,
        history(),
      ],
    ],
  ])("send for `%s` what the Automation API documents", async (line, expected) => {
    const { lines, code, notes } = await sparklab(line);
    expect({ lines, code, notes }).toEqual({ lines: expected, code: 0, notes: "" });
  });

  it("tell one JSON document in the shape of the local stack, secrets masked", async () => {
    const { out } = await sparklab("up -s dev --yes --json");
    expect(JSON.parse(out)).toEqual({
      ...{ operation: "up", stack: "dev", result: "succeeded", counts: { same: 3, create: 1 } },
      outputs: { bucket: "b", key: "[secret]" },
    });
    expect(JSON.parse((await sparklab("up -s dev --yes --json --show-secrets")).out)).toMatchObject({
      outputs: { key: "plain" },
    });
  });

  it("answer drift by an exit code of its own", async () => {
    expect(await sparklab("drift -s dev", { says: { counts: { same: 3 } } })).toMatchObject({
      code: 0,
      out: expect.stringContaining("No drift"),
    });
    const { code, out, lines } = await sparklab("drift -s dev", { says: { counts: { same: 3, update: 2 } } });
    expect({ code, lines }).toEqual({
      code: 3,
      lines: [`refresh --preview-only --color auto --exec-kind auto.local --event-log <address> ${END}`],
    });
    expect(out).toContain("Drift: 2 differ.");
  });

  it("fail when the CLI fails, with its own words", async () => {
    const says = { fails: "up", error: "bucket: permission denied" };
    expect(await sparklab("up -s dev -y -f", { says })).toMatchObject({
      code: 1,
      notes: "error: bucket: permission denied\n",
    });
  });
});

describe("questions", () => {
  it("are asked after the preview, and no changes nothing", async () => {
    const { code, asked, lines } = await sparklab("destroy -s dev", { answer: false });
    expect({ code, asked, sent: lines.map((line) => line.split(" ").slice(0, 2).join(" ")) }).toEqual({
      ...{ code: 2, asked: "destroy -s dev: go on?", sent: ["stack export", "destroy --preview-only"] },
    });
  });

  it("are refused without a terminal", async () => {
    const { code, notes, lines } = await sparklab("up -s dev");
    expect({ code, lines }).toEqual({ code: 2, lines: [] });
    expect(notes).toBe("up: no terminal to ask on; expected --yes. npx sparklab up -s dev --yes\n");
  });
});

describe("one line says what is missing:", () => {
  const install = "curl -fsSL https://get.pulumi.com | sh";
  const wanted = `Stack "dev" is on Google Cloud and needs the Pulumi CLI ${SDK} or a later 3.x`;
  it.each([
    ["the CLI", { path: "/nowhere" }, `${wanted}: got no pulumi on PATH. ${install}\n`],
    ["a newer CLI", { says: { version: "v3.100.0" } }, `${wanted}: got 3.100.0. ${install} -s -- --version ${SDK}\n`],
    [
      "a CLI of this major version",
      { says: { version: "v4.0.0" } },
      `${wanted}: Major version mismatch. You are using Pulumi CLI version v4.0.0 with Automation SDK v3. Please update the SDK. ${install}\n`,
    ],
    [
      "the stack",
      { says: { fails: "stack select", error: "no stack named 'dev' found" } },
      'Stack "dev": no such stack in this backend. pulumi stack init dev\n',
    ],
    [
      "the lock",
      { says: { fails: "preview", error: "the stack is currently locked by 1 lock(s)" } },
      'Stack "dev" is being changed by another. Wait for it, or: pulumi cancel -s dev\n',
    ],
  ])("%s", async (_, setting, text) => {
    const { code, notes } = await sparklab("preview -s dev --json", setting);
    expect({ code, notes }).toEqual({ code: 2, notes: text });
  });
});

describe("state", () => {
  const urn = "urn:pulumi:dev::sparklab::gcp:storage/bucket:Bucket::raw";
  const says = { resources: [{ urn, type: "gcp:storage/bucket:Bucket", custom: true, id: "lab-raw" }] };

  it("is exported sealed, into a file for its owner alone", async () => {
    const file = join(folder, "state.json");
    const { lines, notes } = await sparklab(`state export -s dev --file ${file}`, { says });
    expect({ lines, notes }).toEqual({
      lines: ["stack export --stack dev --non-interactive"],
      notes: `State of stack dev is in ${file}\n`,
    });
    expect([statSync(file).mode & 0o777, JSON.parse(readFileSync(file, "utf8"))]).toMatchObject([
      0o600,
      { version: 3, deployment: says },
    ]);
    expect((await sparklab(`state import -s dev --file ${file}`)).lines).toEqual([
      expect.stringMatching(/^stack import --file \S+ --stack dev --non-interactive$/),
    ]);
  });

  it("is listed and shown by name", async () => {
    expect(JSON.parse((await sparklab("state list -s dev --json", { says })).out)).toEqual([
      { urn, type: "gcp:storage/bucket:Bucket", id: "lab-raw" },
    ]);
    expect(JSON.parse((await sparklab("state show -s dev raw", { says })).out)).toMatchObject({ id: "lab-raw" });
    expect(await sparklab("state show -s dev rw", { says })).toMatchObject({
      ...{ code: 2, notes: 'Resource: got "rw"; expected a URN of this stack. npx sparklab state list\n' },
    });
  });

  it("is not replaced by a file that holds none", async () => {
    const file = join(folder, "wrong.json");
    writeFileSync(file, JSON.stringify({ version: 2 }));
    const { code, notes, lines } = await sparklab(`state import -s dev --file ${file}`);
    expect({ code, lines }).toEqual({ code: 2, lines: [] });
    expect(notes).toMatch(/version: .*expected 3.*; deployment: .*expected what `npx sparklab state export` writes/);
  });
});

it("is reached by the command as a person starts it", () => {
  const words = [resolve(__dirname, "../bin/sparklab.mjs"), "preview", "--stack", "dev"];
  const { status, stderr } = spawnSync(process.execPath, words, { env: { PATH: folder }, encoding: "utf8" });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringContaining('Stack "dev" is on Google Cloud and needs the Pulumi CLI'),
  });
});
