/**
 * Java key stores that trust the private certificate authority: one for the JVM, and one that takes the place of the
 * bundle inside Google's connectors, which do not ask the JVM. Made once per authority, beside its certificate.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const MAKER = join(__dirname, "spark_trust.py");
/** Where each connector's relocated google-api-client looks for its own bundle, on the class path. */
const BUNDLES = ["hadoop/repackaged/gcs", "spark/bigquery/repackaged"].map(
  (shaded) => `com/google/cloud/${shaded}/com/google/api/client/googleapis/google.p12`,
);
/** Fixed by google-api-client for its bundle; a trust store has nothing to hide. */
export const TRUST_PASSWORD = "notasecret";

export interface Trust {
  /** PKCS12 file for `javax.net.ssl.trustStore`. */
  store: string;
  /** Folder that goes before the connectors on the class path. */
  overlay: string;
}

export async function trustOf(caCertificate: string, python: string): Promise<Trust> {
  const hash = createHash("sha256")
    .update(await readFile(caCertificate))
    .digest("hex")
    .slice(0, 16);
  const folder = join(dirname(caCertificate), `java-${hash}`);
  const trust = { store: join(folder, "trust.p12"), overlay: join(folder, "overlay") };
  if (!(await exists(folder))) await make(folder, caCertificate, python);
  return trust;
}

/** Makes the folder whole or not at all: workloads may be started at the same time. */
async function make(folder: string, caCertificate: string, python: string): Promise<void> {
  const draft = await mkdtemp(`${folder}-`);
  const store = join(draft, "trust.p12");
  await promisify(execFile)(python, ["-I", MAKER, caCertificate, store, TRUST_PASSWORD]);
  for (const bundle of BUNDLES) {
    const target = join(draft, "overlay", bundle);
    await mkdir(dirname(target), { recursive: true });
    await cp(store, target);
  }
  try {
    await rename(draft, folder);
  } catch (error) {
    await rm(draft, { recursive: true });
    // Another workload was faster; its stores are the same.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}
