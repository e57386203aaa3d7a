/**
 * For tests of resource types: the deployment host's provider for Google Cloud against a live loopback cloud in one
 * process, and the life that every resource has: made, unchanged, changed in place, replaced, deleted.
 */
import { expect } from "@jest/globals";
import { ApiError } from "./cloud/errors";
import type { Service } from "./cloud/service";
import { testCloud, type TestCloud } from "./cloud/testing";
import { absent, GoogleError, type GoogleHttp, type GoogleRequest } from "./deploy/gcp/http";
import { gcpPackage } from "./deploy/gcp/provider";
import type { Engines } from "./engines/interface";
import type { Instance, Provider } from "./deploy/provider";
import type { Properties } from "./deploy/values";

const URN = "urn:pulumi:test::p::gcp:m:T::thing";

export interface LiveProvider {
  lab: TestCloud;
  provider: Provider;
  /** Makes a resource for others to refer to. */
  make: (type: string, inputs: Properties) => Promise<Instance>;
  /** Leads a resource through its life; the text of each step's changes is compared with what is expected. */
  live: (life: Life) => Promise<Instance>;
  close: () => Promise<void>;
}

export interface Life {
  type: string;
  inputs: Properties;
  id: string | RegExp;
  /** Outputs that must be there after the creation. */
  outputs?: Properties;
  /** Inputs that change in place, and the paths that change. */
  change?: [inputs: Properties, paths: readonly string[]];
  /** Inputs that cannot change in place, and the paths that say so. */
  replace?: [inputs: Properties, paths: readonly string[]];
  /** Runs before the deletion. */
  before?: () => Promise<void>;
  keep?: true;
}

export async function liveProvider(
  services: readonly Service[],
  now?: () => Date,
  engines?: Partial<Engines>,
): Promise<LiveProvider> {
  const lab = await testCloud({ services, ...(now && { now }), ...(engines && { engines }) });
  const settings = { project: "sparklab-local", region: "us-central1" };
  const provider = gcpPackage({}, () => httpInProcess(lab)).configure(settings, "/");
  const make = async (type: string, inputs: Properties): Promise<Instance> => {
    const checked = provider.check(type, URN, inputs, undefined);
    expect(checked.failures).toEqual([]);
    return { inputs: checked.inputs, ...(await provider.create(type, checked.inputs, {})) };
  };
  return { lab, provider, make, live: (life) => live(provider, make, life), close: lab.close };
}

async function live(provider: Provider, make: LiveProvider["make"], life: Life): Promise<Instance> {
  const { type } = life;
  let instance = await make(type, life.inputs);
  expect(instance.id).toEqual(typeof life.id === "string" ? life.id : expect.stringMatching(life.id));
  if (life.outputs) expect(instance.outputs).toMatchObject(life.outputs);
  await expectSettled(provider, type, instance);
  await expectFound(provider, type, instance);
  if (life.change) {
    const [inputs, paths] = life.change;
    const news = provider.check(type, URN, inputs, instance.inputs).inputs;
    const { changes } = provider.diff(type, instance, news);
    expect(changes.map(({ path, replaces }) => (replaces ? `${path} replaces` : path))).toEqual(paths);
    const updated = await provider.update(type, instance, news, {});
    instance = { id: instance.id, inputs: news, outputs: updated.outputs };
    await expectSettled(provider, type, instance);
  }
  if (life.replace) {
    const [inputs, paths] = life.replace;
    const news = provider.check(type, URN, inputs, instance.inputs).inputs;
    const { changes } = provider.diff(type, instance, news);
    expect(changes.filter(({ replaces }) => replaces).map(({ path }) => path)).toEqual(paths);
  }
  if (life.keep) return instance;
  await life.before?.();
  await provider.delete(type, instance, {});
  expect(await provider.read(type, instance, {})).toBeUndefined();
  // Deleting what is gone is no error: a deployment that was interrupted repeats it.
  await provider.delete(type, instance, {});
  return instance;
}

/** The same program again changes nothing, and a refresh finds nothing that the program did not say. */
async function expectSettled(provider: Provider, type: string, instance: Instance): Promise<void> {
  expect(
    provider.diff(type, instance, provider.check(type, URN, instance.inputs, instance.inputs).inputs).changes,
  ).toEqual([]);
  const read = await provider.read(type, instance, {});
  expect(read?.id).toBe(instance.id);
  expect(read?.inputs).toEqual(instance.inputs);
  expect(read?.outputs).toEqual(instance.outputs);
}

/** What was made can be found again by what was asked for, should the answer to its creation be lost. */
async function expectFound(provider: Provider, type: string, { id, inputs }: Instance): Promise<void> {
  const located = provider.locate(type, inputs);
  if (located === undefined) expect(await provider.search(type, inputs)).toContain(id);
  else expect(located).toBe(id);
}

/** Requests in process: the loopback cloud's surface without its door. */
function httpInProcess(lab: TestCloud): GoogleHttp {
  const call = async ({ method, url, query, body }: GoogleRequest): Promise<Properties> => {
    const address = new URL(url);
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) address.searchParams.set(name, value);
    const answer = lab.rest(`${method} ${address.href}`, body);
    return (await answer.catch((error: unknown) => {
      throw error instanceof ApiError ? new GoogleError(error.http, `${method} ${url}: ${error.message}`) : error;
    })) as Properties;
  };
  return {
    call,
    find: (url, query) => call({ method: "GET", url, query }).catch(absent),
    remove: (url, query) => call({ method: "DELETE", url, query }).catch(absent),
    wait: async (operation) => {
      if (operation.done !== true)
        throw new Error(`operation ${JSON.stringify(operation)}: expected to be done at once`);
      return (operation.response ?? {}) as Properties;
    },
  };
}
