/** A whole cloud in a temporary folder for unit tests, without a door: requests go to the API surface in process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createImageEngine } from "../engines/images";
import type { DoorSettings, Engines } from "../engines/interface";
import { readTools } from "../engines/tools";
import type { KernelApi } from "./api";
import type { Cloud } from "./cloud";
import { composeCloud, PROJECT } from "./compose";
import { ApiError } from "./errors";
import { openPrincipals, OPERATOR } from "./door/principals";
import type { Json, JsonObject, Principal, Service } from "./service";
import { openTokens } from "./door/tokens";
import { assertNoViolations, violationsFile } from "./contract/validate";

export interface TestCloud {
  api: KernelApi;
  cloud: Cloud;
  /** Everything that the cloud logged, oldest first. */
  logged: { level: "info" | "warn" | "error"; fields: object; message: string }[];
  /**
   * One request: `rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/roles", body)`, as the operator unless
   * another principal is named. A refusal is the thrown ApiError.
   */
  rest: (request: string, body?: JsonObject, principal?: Principal) => Promise<Json>;
  /** The same for requests that must be refused: resolves with the refusal. */
  refusal: (request: string, body?: JsonObject, principal?: Principal) => Promise<ApiError>;
  /** For tests that break a description on purpose: empties the record of violations. */
  forgetViolations: () => void;
  /** Closes the cloud, fails if an answer broke Google's description, removes the folder. */
  close: () => Promise<void>;
  /** Closes the cloud and opens it again on the same folder, recovery included. */
  restart: () => Promise<TestCloud>;
}

export interface TestCloudOptions {
  services: readonly Service[];
  engines?: Partial<Engines>;
  now?: () => Date;
  /** Where programs behind the cloud are led; without it, to a port where nobody answers. */
  door?: DoorSettings;
  /** Reuses a state folder. */
  folder?: string;
}

/** Google's API descriptions, as set-up brought them. */
export const descriptionsFolder = () => readTools().descriptions;

/** Python with Google's client libraries, as set-up made it. */
export const clientsPython = () => readTools().python.clients;

export async function testCloud(options: TestCloudOptions): Promise<TestCloud> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "sparklab-cloud-"));
  const logged: TestCloud["logged"] = [];
  const log = (level: "info" | "warn" | "error") => (fields: object, message: string) =>
    void logged.push({ level, fields, message });
  const now = options.now ?? (() => new Date());
  const tokens = await openTokens({ folder, now });
  const { api, cloud, recover, close } = await composeCloud({
    folder,
    services: options.services,
    door: Promise.resolve(options.door ?? NO_DOOR),
    // A list of images that is empty needs no program; what builds one brings its own.
    engines: absentEngines({ images: createImageEngine({ python: "", folder }), ...options.engines }),
    descriptions: descriptionsFolder(),
    principals: (parts) => openPrincipals({ ...parts, tokens, region: "us-central1" }),
    log: { info: log("info"), warn: log("warn"), error: log("error") },
    now,
  });
  await recover();
  const rest: TestCloud["rest"] = (request, body, principal = OPERATOR) => {
    const [verb = "GET", url = ""] = request.split(" ");
    const host = new URL(url).hostname;
    const path = url.slice(url.indexOf(host) + host.length);
    return api.rest({ host, verb, path, ...(body && { body }) }, principal);
  };
  return {
    ...{ api, cloud, logged, rest },
    forgetViolations: () => rmSync(violationsFile(folder), { force: true }),
    refusal: (...request) => refusalOf(rest(...request)),
    close: async () => {
      await close();
      assertNoViolations(folder);
      rmSync(folder, { recursive: true });
    },
    restart: async () => {
      await close();
      return testCloud({ ...options, folder });
    },
  };
}

const NO_DOOR: DoorSettings = {
  ...{ proxy: "http://127.0.0.1:9", caBundle: "/nonexistent", caCertificate: "/nonexistent" },
  project: PROJECT.id,
};

/** Engines that a test did not bring fail when they are used. */
function absentEngines(given: Partial<Engines> = {}): Engines {
  return new Proxy(given, {
    get: (engines, name) => {
      const engine = engines[name as keyof Engines];
      if (!engine) throw new Error(`testCloud: the engine '${String(name)}' is used but was not given in 'engines'.`);
      return engine;
    },
  }) as Engines;
}

async function refusalOf(answer: Promise<Json>): Promise<ApiError> {
  const result = await answer.then(
    (value) => value,
    (error: unknown) => error,
  );
  if (result instanceof ApiError) return result;
  if (result instanceof Error) throw result;
  throw new Error(`expected a refusal, got ${JSON.stringify(result)}`);
}

/** Adds a binding to the project's policy. */
export async function grantOnProject(cloud: Pick<Cloud, "policies" | "project">, role: string, member: string) {
  const name = `projects/${cloud.project.id}`;
  const policy = await cloud.policies.get(name);
  const bindings = (policy.bindings ?? []) as Json[];
  await cloud.policies.set(name, { ...policy, bindings: [...bindings, { role, members: [member] }] });
}
