/** The verbs on this machine: a small program, the real deployment host and a real cloud. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { clientEnvironment } from "../local/cloud/door/client-environment";
import { runNode, startTestCloud } from "../local/cloud/main-testing";
import type { StartedCloud } from "../local/cloud/main";
import { readTools } from "../local/engines/tools";
import { openLab, type Lab } from "./lab";
import { tell } from "./testing-terminal";

const folder = mkdtempSync(join(tmpdir(), "sparklab-verbs-"));
let cloud: StartedCloud;
let lab: Lab;

beforeAll(async () => {
  cloud = await startTestCloud(folder, readTools().descriptions);
  lab = { ...openLab({}, resolve(__dirname, "testdata", "two-buckets")), folder };
});
afterAll(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true });
});

const sparklab = (line: string, answer?: boolean) => tell(line, lab, answer);
const json = (text: string) => JSON.parse(text) as Record<string, unknown>;
const FIRST = "urn:pulumi:local::two-buckets::gcp:storage/bucket:Bucket::first";

/** Changes the first bucket behind the stack's back, as another client of Google Cloud would. */
const label = (value: string) =>
  runNode(
    clientEnvironment(folder),
    `(await new GoogleAuth({ scopes }).getClient()).request({ url: "https://storage.googleapis.com/storage/v1/b/two-buckets-first", method: "PATCH", data: { labels: { owner: "${value}" } } }).then(({ status }) => status)`,
  );

it("keeps to the policy pack that lies beside the program: a violation stops before the first change", async () => {
  const { code, out } = await sparklab("up --json --config two-buckets:location=EU");
  expect([code, json(out)]).toMatchObject([
    1,
    { result: "failed", counts: { create: 3 }, errors: [expect.stringContaining("near: "), expect.any(String)] },
  ]);
  expect((await sparklab("state list")).out).toBe("nothing is deployed\n");
});

it("previews, brings up, and finds nothing more to do", async () => {
  const preview = await sparklab("preview --json --expect-no-changes");
  expect([preview.code, json(preview.out)]).toMatchObject([1, { operation: "preview", counts: { create: 3 } }]);
  const up = await sparklab("up --json --parallel 1 --timings");
  expect([up.code, json(up.out)]).toMatchObject([
    0,
    { operation: "up", stack: "local", result: "succeeded", timings: [{}, {}, {}] },
  ]);
  expect(await sparklab("up --json --expect-no-changes")).toMatchObject({ code: 0 });
});

it("tells drift by its exit code, and takes it over by a refresh", async () => {
  expect(await sparklab("drift --json")).toMatchObject({ code: 0 });
  await label("another");
  const { code, out } = await sparklab("drift --json");
  expect([json(out), code]).toMatchObject([{ operation: "drift", drift: [{ urn: FIRST, kind: "changed" }] }, 3]);
  expect((await sparklab("refresh --json --expect-no-changes")).code).toBe(1);
  expect((await sparklab("up --json --refresh")).code).toBe(0);
  expect(await sparklab("drift --json")).toMatchObject({ code: 0 });
});

it("lists, shows and exports the state, and draws its graph", async () => {
  expect((await sparklab("state list")).out).toContain("gcp:storage/bucket:Bucket  first");
  expect(json((await sparklab("state show first")).out)).toMatchObject({ urn: FIRST, id: "two-buckets-first" });
  const file = join(folder, "state.json");
  expect(await sparklab(`state export --file ${file}`)).toMatchObject({ code: 0, out: "" });
  expect([statSync(file).mode & 0o777, json(readFileSync(file, "utf8"))]).toMatchObject([0o600, { version: 3 }]);
  expect(await sparklab(`state import --file ${file} --yes`)).toMatchObject({
    code: 0,
    notes: `Stack local has the state of ${file}\n`,
  });
  expect((await sparklab(`state import --file ${join(folder, "none")}`)).notes).toMatch(/ENOENT.*state export/);
  expect((await sparklab("graph")).out).toBe(
    'digraph stack {\n  rankdir=LR;\n  node [shape=box];\n  n0 [label="gcp:storage/bucket:Bucket\nfirst"];\n  n1 [label="gcp:storage/bucket:Bucket\nsecond"];\n  n1 -> n0;\n}\n',
  );
  expect((await sparklab("graph --mermaid")).out).toBe(
    'flowchart LR\n  n0["gcp:storage/bucket:Bucket<br>first"]\n  n1["gcp:storage/bucket:Bucket<br>second"]\n  n1 --> n0\n',
  );
});

it("refuses by name what it does not do, before anything is changed", async () => {
  expect(await sparklab(`up --target ${FIRST}`)).toMatchObject({
    ...{ code: 2, notes: `--target: got ${FIRST}; the stack "local" is changed as a whole. Leave it out.\n` },
  });
});

it("destroys when it is told so on a terminal, and not otherwise", async () => {
  const no = await sparklab("destroy --json", false);
  expect(no).toMatchObject({
    code: 2,
    asked: "Delete all that stack local has deployed?",
    notes: "Nothing was changed.\n",
  });
  expect(json((await sparklab("destroy --json", true)).out)).toMatchObject({ counts: { delete: 3 } });
  expect(await sparklab("destroy --json --yes", false)).toMatchObject({ code: 0, asked: "" });
});
