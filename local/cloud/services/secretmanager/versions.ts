/** Versions of a secret: numbered, enabled, disabled, destroyed; only an enabled one gives its payload. */
import { crc32c } from "@node-rs/crc32";
import type { Cloud } from "../../cloud";
import { pageOf } from "../../engine/list";
import { checkEtag, etagOf } from "../../engine/resource";
import { ApiError, invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject } from "../../service";

/** Largest payload. Source: https://cloud.google.com/secret-manager/quotas */
const LARGEST = 64 * 1024;

/** Versions lie apart from their secret: deleting it must not be hindered by them. */
export const versionsKey = (secret: string) => `secretmanager/versions/${secret}/`;
const keyOf = (secret: string, version: number | string) => versionsKey(secret) + String(version).padStart(10, "0");

export const versionMethods: Record<string, Behaviour> = {
  "secretmanager.projects.secrets.addVersion": addVersion,
  "secretmanager.projects.secrets.versions.get": async (call, cloud) => (await read(call, cloud)).version,
  "secretmanager.projects.secrets.versions.list": list,
  "secretmanager.projects.secrets.versions.access": access,
  "secretmanager.projects.secrets.versions.enable": (call, cloud) => setState(call, cloud, "ENABLED"),
  "secretmanager.projects.secrets.versions.disable": (call, cloud) => setState(call, cloud, "DISABLED"),
  "secretmanager.projects.secrets.versions.destroy": (call, cloud) => setState(call, cloud, "DESTROYED"),
};

interface Stored {
  version: JsonObject;
  /** Base64; gone when the version is destroyed. */
  data?: string;
}
const storedIn = (value: JsonObject): Stored => ({
  version: value.version as JsonObject,
  ...(typeof value.data === "string" && { data: value.data }),
});

async function requireSecret(name: string, cloud: Cloud): Promise<string> {
  if (!(await cloud.store.get(name))) throw new ApiError("NOT_FOUND", `Secret [${name}] not found.`);
  return name.split("/").at(-1)!;
}

async function addVersion(call: Call, cloud: Cloud): Promise<Json> {
  const parent = call.path.parent ?? "";
  const payload = isObject(call.body.payload) ? call.body.payload : {};
  const data = Buffer.from(textOf(payload.data), "base64");
  if (data.length === 0 || data.length > LARGEST)
    throw invalid(`payload.data: got ${data.length} bytes; expected 1 to ${LARGEST}.`);
  const checksum = textOf(payload.dataCrc32c);
  if (checksum !== "" && Number(checksum) !== crc32c(data))
    throw invalid("payload.data_crc32c: does not match the payload.");
  return cloud.store.exclusive(versionsKey(parent), async () => {
    const secret = await requireSecret(parent, cloud);
    const number = Number((await cloud.store.list(versionsKey(secret))).at(-1)?.key.split("/").at(-1) ?? 0) + 1;
    const version: JsonObject = {
      name: `projects/${cloud.project.number}/secrets/${secret}/versions/${number}`,
      createTime: cloud.now().toISOString(),
      state: "ENABLED",
      replicationStatus: { automatic: {} },
      ...(checksum !== "" && { clientSpecifiedPayloadChecksum: true }),
    };
    version.etag = etagOf(version);
    await cloud.store.write({ put: { [keyOf(secret, number)]: { version, data: data.toString("base64") } } });
    return version;
  });
}

/** The version that a path means; `latest` is the highest number, whatever its state. */
async function read(call: Call, cloud: Cloud): Promise<Stored & { key: string }> {
  const [parent = "", asked = ""] = (call.path.name ?? "").split("/versions/");
  const secret = await requireSecret(parent, cloud);
  const all = await cloud.store.list(versionsKey(secret));
  const entry = asked === "latest" ? all.at(-1) : all.find(({ key }) => key === keyOf(secret, asked));
  if (!entry) throw new ApiError("NOT_FOUND", `Secret Version [${call.path.name}] not found.`);
  return { ...storedIn(entry.value), key: entry.key };
}

async function list(call: Call, cloud: Cloud): Promise<Json> {
  const secret = await requireSecret(call.path.parent ?? "", cloud);
  const all = await cloud.store.list(versionsKey(secret));
  // Google lists the newest first.
  const newest = all.map(({ key, value }) => ({
    key: String(10 ** 10 - Number(key.split("/").at(-1))).padStart(11, "0"),
    value: storedIn(value).version,
  }));
  const { items, nextPageToken } = pageOf(newest, call);
  return { versions: items, totalSize: all.length, ...(nextPageToken && { nextPageToken }) };
}

async function access(call: Call, cloud: Cloud): Promise<Json> {
  const { version, data } = await read(call, cloud);
  if (version.state !== "ENABLED" || data === undefined)
    throw new ApiError(
      "FAILED_PRECONDITION",
      `Secret Version [${textOf(version.name)}] is in ${textOf(version.state)} state.`,
    );
  return { name: version.name!, payload: { data, dataCrc32c: String(crc32c(Buffer.from(data, "base64"))) } };
}

async function setState(call: Call, cloud: Cloud, state: string): Promise<Json> {
  const { key } = await read(call, cloud);
  return cloud.store.exclusive(key, async () => {
    const { version, data } = await read(call, cloud);
    checkEtag(call.body.etag, version);
    if (version.state === "DESTROYED" && state !== "DESTROYED")
      throw new ApiError("FAILED_PRECONDITION", `Secret Version [${textOf(version.name)}] is in DESTROYED state.`);
    const isDestroyed = state === "DESTROYED";
    const destroyTime = version.destroyTime ?? cloud.now().toISOString();
    const next: JsonObject = { ...version, state, ...(isDestroyed && { destroyTime }) };
    next.etag = etagOf(next);
    await cloud.store.write({ put: { [key]: { version: next, ...(!isDestroyed && data !== undefined && { data }) } } });
    return next;
  });
}
