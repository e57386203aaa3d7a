/**
 * The loopback cloud as one process: state, services and engines behind the front door.
 * `node --import tsx local/cloud/main.ts --lab DIR --port N --project ID --project-number N [--region R]`
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import writeFileAtomic from "write-file-atomic";
import type { DoorSettings, Engines } from "../engines/interface";
import { openCertificates } from "./door/certificates";
import { cloudFiles, type DoorRecord } from "./door/client-environment";
import type { Api, Cloud } from "./cloud";
import { composeCloud } from "./compose";
import { StartError } from "./errors";
import { openLogs } from "./logs";
import { openFrontDoor, type FrontDoor, type Timeouts } from "./door/front-door";
import type { OpenEndpoints } from "./door/front-door-request";
import { createGrpcCarrier } from "./grpc/grpc";
import { addTranscoded } from "./grpc/transcoding";
import { openPrincipals, type Identities } from "./door/principals";
import { keepOperatorCredentials, writeOperatorCredentials } from "./door/principals-operator";
import type { Service } from "./service";
import { oauthEndpoints } from "./services/oauth";
import { openTokens } from "./door/tokens";
import { startedAt } from "../process";

export interface StartOptions {
  /** Lab folder; the cloud keeps its state in `<lab>/cloud`. */
  lab: string;
  /** Port of the front door on 127.0.0.1; 0 lets the system choose. */
  port: number;
  project?: Cloud["project"];
  region?: string;
  services: readonly Service[];
  engines: Engines;
  /** Folder with Google's API descriptions. */
  descriptions: string;
  now?: () => Date;
  timeouts?: Partial<Timeouts>;
}

export interface StartedCloud {
  door: FrontDoor;
  api: Api;
  cloud: Cloud;
  close: () => Promise<void>;
}

/** Starts a cloud and opens its door; one at a time for a lab folder. */
export async function startCloud(options: StartOptions): Promise<StartedCloud> {
  const { project, services, engines, descriptions, region = "us-central1", now = () => new Date() } = options;
  const files = cloudFiles(resolve(options.lab));
  mkdirSync(files.cloud, { recursive: true, mode: 0o700 });
  const logs = openLogs(join(files.cloud, "log"));
  const tokens = await openTokens({ folder: files.credentials, now });
  let identities!: Identities;
  let announce!: (door: DoorSettings) => void;
  const door = new Promise<DoorSettings>((announced) => (announce = announced));
  // Opens the state first: its lock makes sure that no other cloud writes what follows.
  const composed = await composeCloud({
    ...{ folder: files.cloud, services, engines, door, descriptions, log: logs.log, now, onDecision: logs.decided },
    ...(project && { project }),
    principals: (parts) => (identities = openPrincipals({ ...parts, tokens, region })),
  });
  const { cloud, api } = composed;
  const grpc = createGrpcCarrier();
  const closeParts = async () => {
    await composed.close();
    await identities.close();
    await logs.close();
  };
  try {
    const certificates = await openCertificates({ folder: files.ca, now, log: logs.log });
    const operator = { files, tokens, project: cloud.project.id, now, log: logs.log };
    await writeOperatorCredentials(operator);
    addTranscoded(grpc.server, services, { api, log: logs.log });
    for (const service of services) service.grpc?.(grpc.server, cloud);
    await composed.recover();
    const endpoints = joined(oauthEndpoints({ tokens, identities, store: cloud.store, now }), services, cloud);
    const front = await openFrontDoor({
      ...{ port: options.port, certificates, grpc, api, endpoints, now, log: logs.log, record: logs.record },
      ...{ serves: (host: string) => endpoints.serves(host) || api.serves(host), resolve: identities.resolve },
      timeouts: options.timeouts,
    });
    const record = recordOf(front, cloud, region);
    await writeFileAtomic(files.door, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    const { caBundle, caCertificate } = certificates;
    announce({ proxy: front.proxy, caBundle, caCertificate, project: cloud.project.id });
    logs.log.info({ ...record }, "front door open");
    const leave = keepOperatorCredentials(operator);
    const close = async () => {
      await leave();
      await front.close();
      await closeParts();
      // Last: who waits for this file to go may start the next cloud at once.
      rmSync(files.door, { force: true });
    };
    return { door: front, api, cloud, close };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

/** Google's open endpoints and the addresses of what runs here: both know by themselves who may call them. */
function joined(open: OpenEndpoints, services: readonly Service[], cloud: Cloud): OpenEndpoints {
  const addresses = services.flatMap((service) => service.addresses ?? []);
  return {
    serves: (host) => open.serves(host) || addresses.some(({ serves }) => serves(host)),
    http: async (host, visit) => {
      const found = addresses.find(({ serves }) => serves(host));
      if (!found) return open.http(host, visit);
      if (visit.mustContinue) visit.response.writeContinue();
      return found.http(host, visit, cloud);
    },
  };
}

function recordOf({ port, proxy }: FrontDoor, { project, now }: Cloud, region: string): DoorRecord {
  const began = startedAt(process.pid)!;
  return { pid: process.pid, began, port, proxy, project: project.id, region, startedAt: now().toISOString() };
}

/** Settings of the command line; all problems at once. */
export function parseSettings(words: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { lab: text, port: text, project: text, "project-number": text, region: text };
  let values;
  try {
    ({ values } = parseArgs({ args: [...words], options }));
  } catch (error) {
    throw new StartError((error as Error).message);
  }
  const { lab, project, region = "us-central1" } = values;
  const [port, number] = [Number(values.port), values["project-number"]];
  const problems = [
    lab ? "" : `--lab: got ${lab ?? "nothing"}; expected the lab's folder.`,
    Number.isInteger(port) && port >= 0 && port < 65536
      ? ""
      : `--port: got ${values.port ?? "nothing"}; expected 0 to 65535.`,
    project ? "" : `--project: got ${project ?? "nothing"}; expected a project id.`,
    number && /^\d+$/.test(number) ? "" : `--project-number: got ${number ?? "nothing"}; expected digits.`,
  ].filter(Boolean);
  if (problems.length > 0) throw new StartError(problems.join("\n"));
  return { lab: lab!, port, project: { id: project!, number: number! }, region };
}

/** All services, the programs behind them and Google's descriptions, as set-up brought them. */
export async function realParts(place: { folder: string; project: string; location: string }) {
  // Loaded here, so that a test of the door needs no tools folder.
  const { readTools } = await import("../engines/tools");
  const { createEngines } = await import("../engines");
  const { services } = await import("./services");
  const tools = readTools();
  return { services, engines: createEngines(tools, place), descriptions: tools.descriptions };
}

async function run(): Promise<void> {
  const settings = parseSettings(process.argv.slice(2));
  const { lab, project, region } = settings;
  const place = { folder: cloudFiles(resolve(lab)).cloud, project: project.id, location: region };
  const started = await startCloud({ ...settings, ...(await realParts(place)) });
  // The slowest part to start, so it begins before the first query; a request that finds it failed starts it again.
  started.cloud.engines.bigquery
    .start()
    .catch((error: unknown) => started.cloud.log.error({ error }, "BigQuery engine"));
  process.stdout.write(`Loopback cloud: ${started.door.proxy}, project ${project.id}, lab ${lab}\n`);
  const stop = (signal: string) => {
    process.once(signal, () => process.exit(1));
    started.close().then(() => process.exit(0), fail);
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stop(signal));
}

/** A mistake that the user can mend: its text and exit code 2. Anything else is a bug: its stack and exit code 1. */
function fail(error: unknown): never {
  const isMendable = error instanceof StartError || (error as Error).name === "ToolsError";
  process.stderr.write(`${isMendable ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(isMendable ? 2 : 1);
}

if (require.main === module) {
  process.on("uncaughtException", fail);
  run().catch(fail);
}
