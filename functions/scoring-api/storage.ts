/** Reads one object from Cloud Storage as the account that the process runs as; honours HTTPS_PROXY and NO_PROXY. */
import { GoogleAuth } from "google-auth-library";
import { EnvHttpProxyAgent, request } from "undici";

export interface StoredObject {
  text: string;
  /** Changes whenever the object is written. */
  generation: string;
}

/** Gives the object, unless it still has the known generation or does not exist. */
export type ReadObject = (uri: string, known?: string) => Promise<StoredObject | "unchanged" | "absent">;

/** An object that cannot be read; the message says why. */
export class StorageError extends Error {}

const READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only";
const PATIENCE = { headersTimeout: 30_000, bodyTimeout: 30_000 };
const [UNCHANGED, ABSENT] = [304, 404];

export function storageReader(): ReadObject {
  const auth = new GoogleAuth({ scopes: READ_ONLY });
  const dispatcher = new EnvHttpProxyAgent();
  return async (uri, known) => {
    const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    if (!bucket || !name) throw new Error(`storage: got ${uri}; expected gs://bucket/object.`);
    const address = new URL(
      `https://storage.googleapis.com/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`,
    );
    if (known !== undefined) address.searchParams.set("ifGenerationNotMatch", known);
    const headers = Object.fromEntries(await auth.getRequestHeaders(address.href));
    const { statusCode, headers: answered, body } = await request(address, { dispatcher, headers, ...PATIENCE });
    const text = await body.text();
    if (statusCode === UNCHANGED) return "unchanged";
    if (statusCode === ABSENT) return "absent";
    if (statusCode !== 200) {
      const got = `${statusCode} ${text.slice(0, 200).trim()}`;
      throw new StorageError(
        `${uri}: got ${got}; expected a readable object. The account of this process needs roles/storage.objectViewer on the bucket.`,
      );
    }
    return { text, generation: String(answered["x-goog-generation"]) };
  };
}
