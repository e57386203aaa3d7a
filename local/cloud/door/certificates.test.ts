/** The private CA and its leaf: what is written, how long it lasts, and what happens when it is damaged. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createSecureContext, rootCertificates, TLSSocket } from "node:tls";
import { connect as connectTcp, createServer as createTcp, type AddressInfo } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openCertificates, type Leaf } from "./certificates";

const DAY = 24 * 60 * 60 * 1000;
let folder: string;
let now: Date;
let warnings: string[];
const log = { info: () => undefined, warn: (_: object, message: string) => void warnings.push(message) };
const open = () => openCertificates({ folder, now: () => now, log });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ca-"));
  now = new Date();
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("openCertificates", () => {
  it("keeps the CA's key readable by its owner only, and the CA in a bundle with the public roots", async () => {
    const { caBundle, caCertificate } = await open();
    expect(statSync(join(folder, "ca-key.pem")).mode & 0o777).toBe(0o600);
    const bundle = readFileSync(caBundle, "utf8");
    expect(bundle).toContain(readFileSync(caCertificate, "utf8").trim());
    expect(bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(rootCertificates.length + 1);
  });

  it("shows a leaf of thirty days that a verifying client accepts for each host name, and for no other", async () => {
    const certificates = await open();
    const leaf = await handshake(await certificates.leaf(), certificates.caCertificate, "storage.googleapis.com");
    expect(new Date(leaf.validTo).getTime() - now.getTime()).toBeLessThanOrEqual(30 * DAY);
    expect(new Date(leaf.validTo).getTime() - now.getTime()).toBeGreaterThan(29 * DAY);
    for (const host of [
      "us-central1-dataproc.googleapis.com",
      "bucket.storage.googleapis.com",
      "www.googleapis.com",
      "accounts.google.com",
      "scoring-uc.run.app",
    ])
      expect(leaf.checkHost(host)).toBeDefined();
    await expect(handshake(await certificates.leaf(), certificates.caCertificate, "example.com")).rejects.toThrow(
      /does not match/,
    );
  });

  it("uses the same CA after a restart", async () => {
    const first = readFileSync((await open()).caCertificate, "utf8");
    expect(readFileSync((await open()).caCertificate, "utf8")).toBe(first);
    expect(warnings).toEqual([]);
  });

  it("renews the leaf of a running door when fewer than seven days are left, once for all who wait", async () => {
    const certificates = await open();
    const first = await certificates.leaf();
    now = new Date(now.getTime() + 22.9 * DAY);
    expect(await certificates.leaf()).toBe(first);
    now = new Date(now.getTime() + 0.2 * DAY);
    const [a, b, c] = await Promise.all([certificates.leaf(), certificates.leaf(), certificates.leaf()]);
    expect(a).not.toBe(first);
    expect(b).toBe(a);
    expect(c).toBe(a);
  });

  it.each([
    ["the certificate is damaged", () => writeFileSync(join(folder, "ca.pem"), "junk"), /cannot be read/],
    ["the key is damaged", () => writeFileSync(join(folder, "ca-key.pem"), "junk"), /cannot be read/],
    ["the key is missing", () => rmSync(join(folder, "ca-key.pem")), /certificate or key is missing/],
    ["it expires soon", () => void (now = new Date(now.getTime() + 3640 * DAY)), /expires 20/],
  ])("makes a new CA and says so when %s", async (_, damage, message) => {
    const before = readFileSync((await open()).caCertificate, "utf8");
    damage();
    const certificates = await open();
    const after = readFileSync(certificates.caCertificate, "utf8");
    expect(after).not.toBe(before);
    expect(new X509Certificate(after).ca).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(message)]);
  });

  it("refuses a key that belongs to another CA", async () => {
    await open();
    const other = mkdtempSync(join(tmpdir(), "ca-"));
    await openCertificates({ folder: other, now: () => now, log });
    writeFileSync(join(folder, "ca-key.pem"), readFileSync(join(other, "ca-key.pem")));
    rmSync(other, { recursive: true });
    await open();
    expect(warnings).toEqual([expect.stringMatching(/do not belong together/)]);
  });
});

/** The leaf that a client sees which trusts the lab's CA only. */
async function handshake(shown: Leaf, ca: string, host: string): Promise<X509Certificate> {
  const server = createTcp((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(shown) });
    // The client's refusal of a certificate arrives here as an alert; the client's own error is what is asserted.
    secure.on("error", () => socket.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connectTcp((server.address() as AddressInfo).port, "127.0.0.1");
  const client = connect({ socket, servername: host, ca: readFileSync(ca) });
  try {
    await once(client, "secureConnect");
    return new X509Certificate(client.getPeerCertificate(true).raw);
  } finally {
    client.destroy();
    server.close();
  }
}
