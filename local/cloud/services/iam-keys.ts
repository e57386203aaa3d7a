/**
 * Keys of service accounts. The private half leaves in the answer of `create` and is kept nowhere; the public half is
 * stored under `iam/keys/<email>/<keyId>`, where the cloud's principals verify signatures.
 */
import { createHash, createPublicKey, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { selfSigned } from "../door/certificates";
import type { Cloud } from "../cloud";
import { ApiError } from "../errors";
import { textOf } from "../json";
import type { Behaviour, Call, Json, JsonObject } from "../service";
import { readAccount } from "./iam-accounts";
import { isEnforced, violation } from "./orgpolicy";

export const keyMethods: Record<string, Behaviour> = {
  "iam.projects.serviceAccounts.keys.create": createKey,
  "iam.projects.serviceAccounts.keys.list": listKeys,
  "iam.projects.serviceAccounts.keys.get": getKey,
  "iam.projects.serviceAccounts.keys.delete": deleteKey,
  "iam.projects.serviceAccounts.keys.disable": (call, cloud) => setDisabled(call, cloud, true),
  "iam.projects.serviceAccounts.keys.enable": (call, cloud) => setDisabled(call, cloud, false),
};

const keyKey = (email: string, keyId: string) => `iam/keys/${email}/${keyId}`;

/** Source: IAM quotas, "Keys for each service account". */
const MOST_KEYS = 10;

async function createKey(call: Call, cloud: Cloud): Promise<Json> {
  requireSupported(call.body);
  const constraint = "iam.disableServiceAccountKeyCreation";
  if (await isEnforced(constraint, cloud))
    throw violation(constraint, call.path.name ?? "", "Key creation is not allowed on this service account.");
  const account = await readAccount(call, cloud);
  const email = textOf(account.email);
  return cloud.store.exclusive(keyKey(email, ""), async () => {
    const known = await cloud.store.list(keyKey(email, ""));
    if (known.length >= MOST_KEYS)
      throw new ApiError("RESOURCE_EXHAUSTED", `Maximum number of keys on account reached: ${MOST_KEYS}.`);
    const { publicKey, privateKey } = await promisify(generateKeyPair)("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const keyId = createHash("sha1")
      .update(createPublicKey(publicKey).export({ type: "spki", format: "der" }))
      .digest("hex");
    const record: JsonObject = {
      ...{ name: `${textOf(account.name)}/keys/${keyId}`, publicKeyPem: publicKey },
      certificatePem: await selfSigned(privateKey, `CN=${keyId}`, cloud.now()),
      ...{ keyAlgorithm: "KEY_ALG_RSA_2048", keyOrigin: "GOOGLE_PROVIDED", keyType: "USER_MANAGED" },
      ...{ validAfterTime: seconds(cloud.now()), validBeforeTime: "9999-12-31T23:59:59Z" },
    };
    await cloud.store.write({ put: { [keyKey(email, keyId)]: record } });
    const file = credentialsFile(account, keyId, privateKey);
    return {
      ...visible(record),
      privateKeyType: "TYPE_GOOGLE_CREDENTIALS_FILE",
      privateKeyData: Buffer.from(JSON.stringify(file, null, 2)).toString("base64"),
    };
  });
}

const seconds = (time: Date) => time.toISOString().replace(/\.\d+Z$/, "Z");

function requireSupported(body: JsonObject): void {
  const { privateKeyType = "TYPE_GOOGLE_CREDENTIALS_FILE", keyAlgorithm = "KEY_ALG_RSA_2048" } = body;
  if (privateKeyType === "TYPE_PKCS12_FILE" || keyAlgorithm === "KEY_ALG_RSA_1024") {
    throw new ApiError(
      "UNIMPLEMENTED",
      `Keys are made as TYPE_GOOGLE_CREDENTIALS_FILE with KEY_ALG_RSA_2048; got ${textOf(privateKeyType)} with ${textOf(keyAlgorithm)}.`,
    );
  }
}

/** What Google's clients read from GOOGLE_APPLICATION_CREDENTIALS. */
function credentialsFile(account: JsonObject, keyId: string, privateKey: string): JsonObject {
  const email = textOf(account.email);
  return {
    type: "service_account",
    project_id: account.projectId!,
    private_key_id: keyId,
    private_key: privateKey,
    client_email: email,
    client_id: account.uniqueId!,
    auth_uri: "https://accounts.google.com/o/oauth2/auth",
    token_uri: "https://oauth2.googleapis.com/token",
    auth_provider_x509_cert_url: "https://www.googleapis.com/oauth2/v1/certs",
    client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(email)}`,
    universe_domain: "googleapis.com",
  };
}

/** A stored key as clients see it. */
function visible({ publicKeyPem: _key, certificatePem: _certificate, ...key }: JsonObject): JsonObject {
  return key;
}

async function listKeys(call: Call, cloud: Cloud): Promise<Json> {
  const account = await readAccount(call, cloud);
  const types = [call.query.keyTypes ?? []].flat();
  const keys = (await cloud.store.list(keyKey(textOf(account.email), ""))).map(({ value }) => visible(value));
  const kept = keys.filter(({ keyType }) => types.length === 0 || types.includes(textOf(keyType)));
  return kept.length > 0 ? { keys: kept } : {};
}

async function findKey(call: Call, cloud: Cloud): Promise<{ key: string; record: JsonObject }> {
  const [account = "", keyId = ""] = (call.path.name ?? "").split("/keys/");
  const { email } = await readAccount({ ...call, path: { name: account } }, cloud);
  const key = keyKey(textOf(email), keyId);
  const record = await cloud.store.get(key);
  if (!record) throw new ApiError("NOT_FOUND", `Service account key ${keyId} does not exist.`);
  return { key, record };
}

async function getKey(call: Call, cloud: Cloud): Promise<Json> {
  const { record } = await findKey(call, cloud);
  const pem = { TYPE_X509_PEM_FILE: record.certificatePem, TYPE_RAW_PUBLIC_KEY: record.publicKeyPem }[
    textOf(call.query.publicKeyType)
  ];
  return {
    ...visible(record),
    ...(pem !== undefined && { publicKeyData: Buffer.from(textOf(pem)).toString("base64") }),
  };
}

async function deleteKey(call: Call, cloud: Cloud): Promise<Json> {
  const { key } = await findKey(call, cloud);
  await cloud.store.write({ delete: [key] });
  return {};
}

async function setDisabled(call: Call, cloud: Cloud, disabled: boolean): Promise<Json> {
  const { key, record } = await findKey(call, cloud);
  const { disabled: _before, ...rest } = record;
  await cloud.store.write({ put: { [key]: disabled ? { ...rest, disabled } : rest } });
  return {};
}
