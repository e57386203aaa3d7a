/** Objects of a bucket: uploaded from assets, archives or text. */
import { createHash } from "node:crypto";
import { isObject, text, type Properties, type Value } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";

export const STORAGE_API = "https://storage.googleapis.com/storage/v1";
const UPLOAD = "https://storage.googleapis.com/upload/storage/v1";

const objectShape: Shape = {
  bucket: { type: "string", rest: false, required: true, replaces: true },
  name: { type: "string", rest: false, required: true, replaces: true },
  source: { type: "asset", rest: false, replaces: true },
  content: { type: "string", rest: false },
  contentType: { type: "string", computed: true, replaces: true },
  metadata: { type: "map", replaces: true },
  cacheControl: { type: "string", replaces: true },
  contentDisposition: { type: "string", replaces: true },
  contentEncoding: { type: "string", replaces: true },
  contentLanguage: { type: "string", replaces: true },
  storageClass: { type: "string", computed: true, replaces: true },
  eventBasedHold: { type: "boolean" },
  temporaryHold: { type: "boolean" },
  // Stands in the inputs of every object that the official provider writes; its value never says anything: what was
  // uploaded is compared with what is there, see `drift`.
  detectMd5hash: { type: "string", rest: false, computed: true, default: "different hash", same: () => true },
};

export const object: Descriptor = {
  type: "gcp:storage/bucketObject:BucketObject",
  source: "storage.v1 objects; google_storage_bucket_object",
  shape: objectShape,
  outputs: {
    crc32c: "crc32c",
    generation: ({ generation }) => Number(generation),
    md5hash: "md5Hash",
    detectMd5hash: "md5Hash",
    md5hexhash: ({ md5Hash }) => Buffer.from(text(md5Hash), "base64").toString("hex"),
    mediaLink: "mediaLink",
    outputName: "name",
    selfLink: "selfLink",
  },
  planned: ({ name }) => ({ outputName: name ?? "" }),
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 255 },
  secrets: ["content"],
  id: (inputs) => `${text(inputs.bucket)}-${text(inputs.name)}`,
  check: ({ source, content }) =>
    (source === undefined) === (content === undefined)
      ? [{ property: "source", reason: "got both or neither of source and content; expected one of them" }]
      : [],
  drift: ({ hashedBytes }, { source, content }, { md5hash }) => {
    const bytes = isObject(source) ? hashedBytes(source) : Buffer.from(text(content));
    const wanted = bytes && createHash("md5").update(bytes).digest("base64");
    return wanted && md5hash && wanted !== md5hash
      ? [{ path: "md5hash", kind: "update", old: md5hash, new: wanted, replaces: false }]
      : [];
  },
  create: upload,
  read: ({ http }, inputs) => http.find(objectUrl(inputs)),
  update: async (context, change) => {
    const paths = new Set(change.changes.map(({ path }) => path));
    if (paths.has("content") || paths.has("md5hash")) return upload(context, change.news);
    return context.http.call({ method: "PATCH", url: objectUrl(change.news), body: toRest(objectShape, change.news) });
  },
  delete: async ({ http }, inputs) => void (await http.remove(objectUrl(inputs))),
};

async function upload(context: Context, inputs: Inputs): Promise<Properties> {
  const given = Buffer.from(text(inputs.content));
  const bytes = async function* () {
    yield given;
  };
  const content = isObject(inputs.source)
    ? await context.content(inputs.source)
    : { size: given.length, chunks: bytes };
  const resource = { ...toRest(objectShape, inputs), bucket: text(inputs.bucket) };
  const type = text(
    inputs.contentType ??
      (isObject(inputs.source) && "assets" in inputs.source ? "application/zip" : await sniff(content)),
  );
  // Derived from the name so that a repetition sends the same bytes; a clash with the content is ruled out by its length.
  const boundary = createHash("sha256").update(objectUrl(inputs)).digest("hex");
  const head = `--${boundary}\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(resource)}\r\n--${boundary}\r\nContent-Type: ${type}\r\n\r\n`;
  const chunks = async function* () {
    yield Buffer.from(head);
    yield* content.chunks();
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  };
  return context.http.call({
    method: "POST",
    url: `${UPLOAD}/b/${encode(inputs.bucket)}/o`,
    query: { name: text(inputs.name), uploadType: "multipart" },
    stream: { type: `multipart/related; boundary=${boundary}`, chunks },
  });
}

/** Text or bytes, as the official client finds out from the first 512 bytes. */
async function sniff(content: { chunks: () => AsyncIterable<Uint8Array> }): Promise<string> {
  for await (const chunk of content.chunks()) {
    const head = Buffer.from(chunk.subarray(0, 512));
    if (head.subarray(0, 4).equals(Buffer.from("PK\x03\x04"))) return "application/zip";
    return head.some((byte) => byte < 9 || (byte > 13 && byte < 27) || (byte > 27 && byte < 32))
      ? "application/octet-stream"
      : "text/plain; charset=utf-8";
  }
  return "text/plain; charset=utf-8";
}

export const encode = (value: Value | undefined) => encodeURIComponent(text(value));
const objectUrl = (inputs: Inputs) => `${STORAGE_API}/b/${encode(inputs.bucket)}/o/${encode(inputs.name)}`;
