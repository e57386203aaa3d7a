/**
 * The variables that lead every family of Google's clients to this lab's cloud while they use their production host
 * names. Read from what the running cloud has written; nothing is asked over the network.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../errors";

/** Where the cloud of a lab keeps what clients and the CLI read. */
export function cloudFiles(labFolder: string) {
  const cloud = join(labFolder, "cloud");
  return {
    cloud,
    door: join(cloud, "door.json"),
    ca: join(cloud, "ca"),
    caCertificate: join(cloud, "ca", "ca.pem"),
    caBundle: join(cloud, "ca", "bundle.pem"),
    credentials: join(cloud, "credentials"),
    applicationDefault: join(cloud, "credentials", "application_default_credentials.json"),
    operatorToken: join(cloud, "credentials", "operator-access-token"),
  };
}

/** `door.json`: written when the door is open, removed when it has closed. */
export interface DoorRecord {
  pid: number;
  /** When the process began, so that another one that got its id later is not taken for it. */
  began: string;
  port: number;
  proxy: string;
  project: string;
  region: string;
  startedAt: string;
}

/** Hosts that are never asked through the proxy: loopback (Pulumi's own gRPC, metadata servers) and metadata names. */
const DIRECT = ["127.0.0.1", "localhost", "::1", "metadata.google.internal", "169.254.169.254"].join(",");

/** Variables for a client of the cloud of `labFolder`; throws when that cloud has not been started. */
export function clientEnvironment(labFolder: string): Record<string, string> {
  const files = cloudFiles(labFolder);
  const { proxy, project, region } = JSON.parse(readWritten(files.door)) as DoorRecord;
  const token = readWritten(files.operatorToken).trim();
  return {
    // Both cases: Go, Python and Java tools read either, gRPC only the lower one.
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    // gRPC prefers this one, so a value that the caller has would lead elsewhere.
    grpc_proxy: proxy,
    NO_PROXY: DIRECT,
    no_proxy: DIRECT,
    // Node adds to its own roots; the others replace theirs, so they get the bundle.
    NODE_EXTRA_CA_CERTS: files.caCertificate,
    SSL_CERT_FILE: files.caBundle,
    REQUESTS_CA_BUNDLE: files.caBundle,
    CURL_CA_BUNDLE: files.caBundle,
    HTTPLIB2_CA_CERTS: files.caBundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: files.caBundle,
    CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: files.caBundle,
    GOOGLE_APPLICATION_CREDENTIALS: files.applicationDefault,
    GOOGLE_OAUTH_ACCESS_TOKEN: token,
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: files.operatorToken,
    GOOGLE_CLOUD_PROJECT: project,
    GOOGLE_PROJECT: project,
    CLOUDSDK_CORE_PROJECT: project,
    GOOGLE_REGION: region,
    CLOUDSDK_COMPUTE_REGION: region,
    CLOUDSDK_DATAPROC_REGION: region,
  };
}

/** The variables as lines for a POSIX shell: `eval "$(npx sparklab env)"`. */
export function printExports(variables: Readonly<Record<string, string>>): string {
  const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join("");
}

function readWritten(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new StartError(
      `Loopback cloud: expected ${file}, which it writes when it starts; got no such file. npx sparklab up`,
    );
  }
}
