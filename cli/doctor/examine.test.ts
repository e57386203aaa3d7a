/** The doctor looks at a whole lab, and mends it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readTools } from "../../local/engines/tools";
import { openLab } from "../lab";
import { examine } from "./examine";
import { carryOutRepair } from "./repair";

describe("examine", () => {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-doctor-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("sees what stands around a lab, and repairs it", async () => {
    const cloudFolder = join(folder, "cloud");
    mkdirSync(join(folder, "stacks"), { recursive: true });
    mkdirSync(join(cloudFolder, "credentials"), { recursive: true });
    const dead = spawn(process.execPath, ["-e", ""]);
    await once(dead, "exit");
    const door = join(cloudFolder, "door.json");
    // The dead cloud's id belongs to another process by now.
    writeFileSync(door, JSON.stringify({ pid: process.pid, began: "then", port: 1 }), { mode: 0o600 });
    const lock = join(folder, "stacks", "local.lock");
    writeFileSync(lock, JSON.stringify({ pid: dead.pid, began: "then", operation: "up local" }));
    const key = join(cloudFolder, "credentials", "signing-key.pem");
    writeFileSync(key, "");
    chmodSync(key, 0o644);
    appendFileSync(join(cloudFolder, "contract-violations.jsonl"), "{}\n");
    // A batch's process as the cloud starts one, of a batch that is gone; it ends when its input does.
    const wait = "process.stdin.resume(); process.stdin.on('end', () => process.exit())";
    const orphan = spawn(process.execPath, ["-e", wait, "spark_process.py", join(cloudFolder, "batches", "b1")]);
    const gone = once(orphan, "exit");
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const lab = { ...openLab({}, resolve(__dirname, "../..")), folder, port: (taken.address() as AddressInfo).port };
    const look = async () => (await examine({ lab, now: new Date() })).filter(({ status }) => status !== "good");

    const findings = await look();
    const ofLab = new Set(["port", "cloud", "processes", "locks", "key files", "contract"]);
    expect(findings.filter(({ check }) => ofLab.has(check)).map(({ check }) => check)).toEqual([...ofLab]);
    const words = findings.flatMap(({ repair }) => (repair ? [carryOutRepair(repair)] : []));
    expect(words).toEqual([
      `removed ${door}`,
      `told process ${orphan.pid} to end`,
      `removed ${lock}`,
      `made ${key} readable by you alone`,
    ]);
    expect([existsSync(door), existsSync(lock), statSync(key).mode & 0o777, (await gone)[1]]).toEqual([
      false,
      false,
      0o600,
      "SIGTERM",
    ]);
    taken.close();
    await once(taken, "close");
    expect((await look()).map(({ check }) => check).filter((check) => ofLab.has(check))).toEqual(["contract"]);
  });

  it("takes no part of the set-up that is installed when it is needed as missing", async () => {
    const tools = join(folder, "tools");
    mkdirSync(tools);
    const manifest = readTools();
    const absent = join(folder, "bin", "python");
    const python = { ...manifest.python, airflow: absent, pipelines: absent };
    writeFileSync(join(tools, "manifest.json"), JSON.stringify({ ...manifest, python }));
    const lab = { ...openLab({}, resolve(__dirname, "../..")), folder, port: 0 };
    const findings = await examine({ lab, tools, now: new Date() });
    const statuses = Object.fromEntries(findings.map(({ check, status }) => [check, status]));
    expect(statuses).toMatchObject({ "python airflow": "good", "python pipelines": "wrong", "python spark": "good" });
  });
});
