/** The CLI as a person interrupts it: Ctrl-C once and twice, kill -9, two commands at once; real processes, a real cloud. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { exportStack } from "../local/deploy";
import { nameOf } from "./deployment-state";
import { openGatedLab, type GatedLab } from "./testing";

const HOST = "storage.googleapis.com";
let lab: GatedLab;

beforeAll(async () => {
  lab = await openGatedLab("two-buckets");
});
afterAll(() => lab.close());

const names = async () => {
  const { deployment } = await exportStack({ lab: lab.folder, stack: "local" });
  return (deployment.resources ?? []).filter(({ type }) => type.startsWith("gcp:")).map(({ urn }) => nameOf(urn));
};

/** A command whose first step is in flight. */
async function inFlight(verb: string) {
  const gate = lab.hold(HOST);
  const command = lab.sparklab(verb, "--json");
  await Promise.race([gate.arrived, command.ended.then(({ notes, out }) => Promise.reject(new Error(notes + out)))]);
  return { ...command, open: gate.open };
}

it("finishes the step in flight after Ctrl-C, begins no other, and goes on the next time", async () => {
  const { child, said, open, ended } = await inFlight("up");
  child.kill("SIGINT");
  await said("Stopping after the steps in flight; once more stops now.");
  open();
  const { code, out } = await ended;
  expect({ code, result: (JSON.parse(out) as { result: string }).result }).toEqual({ code: 130, result: "cancelled" });
  expect(await names()).toEqual(["first"]);

  const { out: after } = await lab.sparklab("up", "--json").ended;
  expect(JSON.parse(after)).toMatchObject({ result: "succeeded", counts: { create: 1 } });
  expect(await names()).toEqual(["first", "second"]);
});

it("stops at once at the second Ctrl-C; doctor tells it, and the next destroy goes on", async () => {
  const { child, said, open, ended } = await inFlight("destroy");
  child.kill("SIGINT");
  await said("once more stops now");
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(await names()).toEqual(["first", "second"]);
  const { out: told, notes: problem } = await lab.sparklab("doctor", "--json").ended;
  expect(problem).toBe("");
  const { findings } = JSON.parse(told) as { findings: { check: string; text: string; fix?: string }[] };
  expect(findings.find(({ check }) => check === "stack local")).toMatchObject({ fix: "npx sparklab up" });
  open();
  const { out, notes } = await lab.sparklab("destroy", "--json").ended;
  expect([JSON.parse(out), notes]).toMatchObject([{ result: "succeeded" }, ""]);
  expect(await names()).toEqual([]);
});

it("says who holds the lock, and takes over that of a process that was killed", async () => {
  const { child, open, ended } = await inFlight("up");
  const second = await lab.sparklab("up", "--json").ended;
  expect(second).toMatchObject({ code: 2, out: "" });
  expect(second.notes).toMatch(
    new RegExp(
      `^Stack is being changed: "up local" by .*\\(process ${child.pid}\\) since .*\\. Wait for it, or stop it: kill ${child.pid}\\n$`,
    ),
  );
  child.kill("SIGKILL");
  await ended;
  open();
  const lock = join(lab.folder, "stacks", "local.lock");
  expect(existsSync(lock)).toBe(true);
  const { code, out } = await lab.sparklab("up", "--json").ended;
  expect([code, JSON.parse(out)]).toMatchObject([0, { result: "succeeded" }]);
  expect(await names()).toEqual(["first", "second"]);
  expect(existsSync(lock)).toBe(false);
});

it("passes an end that is asked of it alone on to the program that it runs", async () => {
  const program = 'process.once("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000); console.error("runs");';
  const { child, said, ended } = lab.sparklab("exec", "--", process.execPath, "-e", program);
  await said("runs");
  child.kill("SIGTERM");
  expect((await ended).code).toBe(7);
});
