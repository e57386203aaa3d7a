/** What a command says when the cloud that it works with goes away. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cloudFiles } from "../local/cloud/door/client-environment";
import { startedAt } from "../local/process";
import { asClient, cloudEnvironment, type Context } from "./context";
import { LOCAL_STACK, openLab } from "./lab";

const folder = mkdtempSync(join(tmpdir(), "sparklab-away-"));
const cloud = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
afterAll(() => {
  cloud.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

it("passes an error on while the cloud runs; after its end it says that, and the command that goes on", async () => {
  const lab = { ...openLab({}), folder };
  const files = cloudFiles(folder);
  mkdirSync(files.credentials, { recursive: true });
  writeFileSync(files.operatorToken, "token");
  const door = { pid: cloud.pid, began: startedAt(cloud.pid!), port: 1, proxy: "http://127.0.0.1:1", project: "p" };
  writeFileSync(files.door, JSON.stringify({ ...door, region: "r" }));
  let notes = "";
  const terminal = { note: (text: string) => void (notes += text) } as Context["terminal"];
  const context = { lab, environment: cloudEnvironment(lab), words: ["train", "--again"], terminal };
  const lost = () => Promise.reject(new Error("connection lost"));
  await expect(asClient(context, LOCAL_STACK, lost)).rejects.toThrow("connection lost");
  const ending = async () => {
    cloud.kill("SIGKILL");
    await once(cloud, "exit");
    return lost();
  };
  expect(await asClient(context, LOCAL_STACK, ending)).toBe(1);
  expect(notes).toContain("The loopback cloud has ended: connection lost");
  expect(notes).toMatch(/npx sparklab up, then npx sparklab train --again goes on$/);
});
