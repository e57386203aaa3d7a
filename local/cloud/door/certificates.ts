/**
 * The lab's private certificate authority and the leaf certificate that the front door shows for Google's host names.
 *
 * One CA per lab in `<folder>`: `ca.pem`, `ca-key.pem` (0600) and `bundle.pem` (public roots and ours, what clients
 * are pointed to by environment variables). Nothing is installed system-wide. The leaf lives in memory only: a new one
 * is issued at start and whenever fewer than seven of its thirty days are left.
 */
import "reflect-metadata";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { createPrivateKey, createPublicKey, webcrypto, X509Certificate as NodeCertificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import writeFileAtomic from "write-file-atomic";

/** Names that the leaf is valid for. A wildcard covers one label, so buckets as host names need their own. */
export const LEAF_NAMES = [
  "googleapis.com",
  "*.googleapis.com",
  "*.storage.googleapis.com",
  "accounts.google.com",
  "*.run.app",
  "*.a.run.app",
  "*.us-central1.run.app",
  "*.cloudfunctions.net",
  "*.dataproc.googleusercontent.com",
  "*.composer.googleusercontent.com",
  "*.pkg.dev",
] as const;

const DAY = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const LEAF_DAYS = 30;
const RENEW_WITHIN_DAYS = 7;
/** A clock that is set back must not come before a certificate's beginning: the CA's, and the leaf's. */
const CA_BEGUN_DAYS = 365;
const LEAF_BEGUN_DAYS = 1;
const KEY = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface Certificates {
  /** PEM file with the private CA alone. */
  caCertificate: string;
  /** PEM file with the public roots and the private CA. */
  caBundle: string;
  /** The certificate to show to the next client; renewed when it is due. The same object until then. */
  leaf: () => Promise<Leaf>;
}

export interface CertificatesOptions {
  /** Folder of the CA: `<lab>/cloud/ca`. */
  folder: string;
  now: () => Date;
  log: { info: (o: object, msg: string) => void; warn: (o: object, msg: string) => void };
}

interface Authority {
  certificate: x509.X509Certificate;
  key: webcrypto.CryptoKey;
}

/** In PEM; `cert` carries the CA behind the leaf. */
export interface Leaf {
  key: string;
  cert: string;
  notBefore: Date;
  notAfter: Date;
}

/** Opens the lab's CA, making it (or making it again when it cannot be used any more), and issues the first leaf. */
export async function openCertificates(options: CertificatesOptions): Promise<Certificates> {
  x509.cryptoProvider.set(webcrypto);
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const authority = (await readAuthority(options)) ?? (await makeAuthority(options));
  const caCertificate = join(options.folder, "ca.pem");
  const caBundle = join(options.folder, "bundle.pem");
  await writeFileAtomic(caBundle, [...rootCertificates, authority.certificate.toString("pem"), ""].join("\n"));

  let issued = issueLeaf(authority, options);
  await issued;
  const leaf = async (): Promise<Leaf> => {
    const current = issued;
    const known = await current;
    const now = options.now().getTime();
    // One that ends with its CA is not renewed for ever: the next start makes a new CA long before.
    const ends =
      known.notAfter < authority.certificate.notAfter && known.notAfter.getTime() - now < RENEW_WITHIN_DAYS * DAY;
    if (!ends && known.notBefore.getTime() <= now) return known;
    // Connections that arrive together share one renewal: the first replaces the promise before anyone else looks.
    if (issued === current) issued = issueLeaf(authority, options);
    return issued;
  };
  return { caCertificate, caBundle, leaf };
}

/** The stored CA if it is whole, still valid for longer than a leaf, and its key belongs to it; else undefined. */
async function readAuthority({ folder, now, log }: CertificatesOptions): Promise<Authority | undefined> {
  const files = { certificate: join(folder, "ca.pem"), key: join(folder, "ca-key.pem") };
  const pem = { certificate: readIfThere(files.certificate), key: readIfThere(files.key) };
  if (pem.certificate === undefined && pem.key === undefined) return undefined;
  const refuse = (why: string): undefined => {
    log.warn({ folder, why }, `private CA in ${folder}: ${why}. A new one is made; clients must read ca.pem again.`);
    rmSync(files.certificate, { force: true });
    rmSync(files.key, { force: true });
    return undefined;
  };
  if (pem.certificate === undefined || pem.key === undefined) return refuse("certificate or key is missing");
  try {
    const certificate = new NodeCertificate(pem.certificate);
    const key = createPrivateKey(pem.key);
    if (!certificate.checkPrivateKey(key)) return refuse("key and certificate do not belong together");
    const [begin, end] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    if (begin > now()) return refuse(`is not valid before ${begin.toISOString()}`);
    if (end.getTime() - now().getTime() < LEAF_DAYS * DAY) return refuse(`expires ${end.toISOString()}`);
    const pkcs8 = key.export({ format: "der", type: "pkcs8" });
    const imported = await webcrypto.subtle.importKey("pkcs8", pkcs8, KEY, false, ["sign"]);
    return { certificate: new x509.X509Certificate(pem.certificate), key: imported };
  } catch (error) {
    return refuse(`cannot be read (${(error as Error).message})`);
  }
}

async function makeAuthority({ folder, now, log }: CertificatesOptions): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const start = now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=sparklab private CA,O=sparklab",
    keys: keys,
    notBefore: new Date(start.getTime() - CA_BEGUN_DAYS * DAY),
    notAfter: new Date(start.getTime() + CA_DAYS * DAY),
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  await writeFileAtomic(join(folder, "ca-key.pem"), toPem(pkcs8), { mode: 0o600 });
  await writeFileAtomic(join(folder, "ca.pem"), `${certificate.toString("pem")}\n`);
  log.info({ folder, until: certificate.notAfter }, "private CA made");
  return { certificate, key: keys.privateKey };
}

async function issueLeaf(authority: Authority, { now, log }: CertificatesOptions): Promise<Leaf> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const start = now();
  const notBefore = new Date(start.getTime() - LEAF_BEGUN_DAYS * DAY);
  const notAfter = new Date(Math.min(start.getTime() + LEAF_DAYS * DAY, authority.certificate.notAfter.getTime()));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: "CN=*.googleapis.com,O=sparklab",
    issuer: authority.certificate.subject,
    notBefore,
    notAfter,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(LEAF_NAMES.map((value) => ({ type: "dns", value }))),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = toPem(Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)));
  const cert = `${certificate.toString("pem")}\n${authority.certificate.toString("pem")}\n`;
  log.info({ until: notAfter }, "certificate for Google's host names issued");
  return { key, cert, notBefore, notAfter };
}

/** Certificate that carries the public half of an RSA key, for verifiers that want X.509 instead of a bare key. */
export async function selfSigned(privateKeyPem: string, name: string, now: Date): Promise<string> {
  x509.cryptoProvider.set(webcrypto);
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = createPrivateKey(privateKeyPem);
  const imported = (format: "pkcs8" | "spki", der: Buffer, use: "sign" | "verify") =>
    webcrypto.subtle.importKey(format, der, algorithm, true, [use]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    keys: {
      privateKey: await imported("pkcs8", key.export({ format: "der", type: "pkcs8" }), "sign"),
      publicKey: await imported("spki", createPublicKey(key).export({ format: "der", type: "spki" }), "verify"),
    },
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + CA_DAYS * DAY),
    signingAlgorithm: algorithm,
  });
  return `${certificate.toString("pem")}\n`;
}

function toPem(pkcs8: Buffer): string {
  return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
