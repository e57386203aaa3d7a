/**
 * Pulumi's passphrase secrets provider: AES-256-GCM with a key from PBKDF2-SHA256 (1,000,000 rounds), values written as
 * `v1:<nonce>:<ciphertext>`, the salt kept as `v1:<salt>:<encryption of "pulumi">` so that a wrong passphrase is noticed.
 * Source: pkg/secrets/passphrase/manager.go and sdk/go/common/resource/config/crypt.go of github.com/pulumi/pulumi.
 */
import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DeployError } from "./errors";

const ROUNDS = 1_000_000;
const TAG = 16;

export interface Crypter {
  /** What `secrets_providers.state.salt` and `encryptionsalt` hold. */
  salt: string;
  encrypt: (text: string) => string;
  decrypt: (sealed: string) => string;
}

/** The crypter of an existing salt, or of a new one. */
export async function passphraseCrypter(passphrase: string, salt?: string): Promise<Crypter> {
  const parts = salt?.split(":") ?? [];
  if (salt !== undefined && (parts.length !== 5 || parts[0] !== "v1"))
    throw new DeployError(`encryption salt: got ${JSON.stringify(salt)}; expected v1:<salt>:v1:<nonce>:<ciphertext>`);
  const bytes = salt === undefined ? randomBytes(8) : Buffer.from(parts[1] ?? "", "base64");
  const key = await promisify(pbkdf2)(passphrase, bytes, ROUNDS, 32, "sha256");
  const encrypt = (text: string) => seal(key, text);
  const decrypt = (sealed: string) => open(key, sealed);
  if (salt === undefined) return { salt: `v1:${bytes.toString("base64")}:${encrypt("pulumi")}`, encrypt, decrypt };
  try {
    if (decrypt(parts.slice(2).join(":")) === "pulumi") return { salt, encrypt, decrypt };
  } catch {
    // An authentication failure is how AES-GCM says that the key is another one: reported below.
  }
  throw new DeployError(
    "passphrase: does not open this stack's secrets. Set PULUMI_CONFIG_PASSPHRASE to the one it was made with.",
  );
}

/** Crypters by their salt, a new one without; each is made once, for deriving a key takes a while. */
export function crypters(lab: string, environment: NodeJS.ProcessEnv): (salt?: string) => Promise<Crypter> {
  const made = new Map<string | undefined, Promise<Crypter>>();
  return (salt) => {
    const known = made.get(salt) ?? findPassphrase(lab, environment).then((text) => passphraseCrypter(text, salt));
    made.set(salt, known);
    return known;
  };
}

/** PULUMI_CONFIG_PASSPHRASE, or the file it names, or the lab's own, made at first use and readable by its owner only. */
export async function findPassphrase(folder: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const { PULUMI_CONFIG_PASSPHRASE: text, PULUMI_CONFIG_PASSPHRASE_FILE: named } = environment;
  if (text !== undefined) return text;
  if (named) return (await readFile(named, "utf8")).trim();
  const file = join(folder, "passphrase");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  await writeFile(draft, randomBytes(32).toString("base64url"), { mode: 0o600, flush: true });
  // A link never replaces what is there, so two first uses at once agree on one passphrase.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await unlink(draft);
  return (await readFile(file, "utf8")).trim();
}

function seal(key: Buffer, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `v1:${nonce.toString("base64")}:${body.toString("base64")}`;
}

function open(key: Buffer, sealed: string): string {
  const [version, nonce, body] = sealed.split(":");
  if (version !== "v1" || !nonce || !body) throw new DeployError("secret: expected v1:<nonce>:<ciphertext>");
  const bytes = Buffer.from(body, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"), { authTagLength: TAG });
  decipher.setAuthTag(bytes.subarray(-TAG));
  return decipher.update(bytes.subarray(0, -TAG), undefined, "utf8") + decipher.final("utf8");
}
