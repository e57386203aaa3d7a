/** A cloud behind its door for tests, and Google's Node clients in processes of their own, led by environment only. */
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import type { Engines } from "../engines/interface";
import type { Timeouts } from "./door/front-door";
import { startCloud, type StartedCloud } from "./main";
import { dataproc } from "./services/dataproc";
import { scriptedEngine } from "./services/dataproc/scripted-engine";
import { iam } from "./services/iam";
import { iamcredentials } from "./services/iamcredentials";
import { storage } from "./services/storage";

/** The services that clients meet first, over a Spark engine that the test scripts. */
export const startTestCloud = (
  lab: string,
  descriptions: string,
  now = () => new Date(),
  timeouts: Partial<Timeouts> = {},
): Promise<StartedCloud> =>
  startCloud({
    ...{ lab, port: 0, descriptions, now, timeouts, services: [iam, iamcredentials, storage, dataproc] },
    engines: { spark: scriptedEngine() } as unknown as Engines,
  });

/** Runs an expression in a process of its own, as a client of the cloud, and gives its value. */
export async function runNode<T>(
  environment: Record<string, string>,
  expression: string,
  more: Record<string, string> = {},
): Promise<T> {
  const script = `
    const { GoogleAuth, Impersonated, JWT, OAuth2Client } = require("google-auth-library");
    const gaxios = require("gaxios");
    const file = process.env.GOOGLE_APPLICATION_CREDENTIALS;
    const { client_email: email, private_key, private_key_id: keyId } = file ? require(file) : {};
    const key = { email, key: private_key, keyId };
    const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
    (async () => process.stdout.write(JSON.stringify((await (${expression})) ?? null)))();`;
  const options = { cwd: resolve(__dirname, "../.."), env: { ...process.env, ...environment, ...more } };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--unhandled-rejections=strict", "-e", script],
    options,
  );
  return JSON.parse(stdout) as T;
}
