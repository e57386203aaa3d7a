/** Pulumi's passphrase secrets, and where the passphrase comes from. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findPassphrase, passphraseCrypter } from "./secrets";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "passphrase-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

// From pkg/secrets/passphrase/manager_test.go of github.com/pulumi/pulumi.
const SALT = "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ==";
const WRONG = "does not open this stack's secrets";

test("the engine's own salt opens with its passphrase, and with no other", async () => {
  const crypter = await passphraseCrypter("password", SALT);
  expect(crypter.decrypt(crypter.encrypt("schlüssel"))).toBe("schlüssel");
  expect(crypter.encrypt("x")).not.toBe(crypter.encrypt("x"));
  await expect(passphraseCrypter("password123", SALT)).rejects.toThrow(WRONG);
  await expect(passphraseCrypter("password", "v2:x")).rejects.toThrow("expected v1:<salt>");
  // It opens, but it is no salt of Pulumi's.
  const other = `v1:fozI5u6B030=:${crypter.encrypt("another word")}`;
  await expect(passphraseCrypter("password", other)).rejects.toThrow(WRONG);
});

test("what was changed by hand, or is no sealed secret, is refused", async () => {
  const { encrypt, decrypt } = await passphraseCrypter("password", SALT);
  const [version, nonce, body] = encrypt("opensesame").split(":");
  const changed = Buffer.from(body!, "base64");
  changed[0]! ^= 1;
  expect(() => decrypt(`${version}:${nonce}:${changed.toString("base64")}`)).toThrow("authenticate");
  for (const broken of ["opensesame", `v2:${nonce}:${body}`, `v1:${nonce}`])
    expect(() => decrypt(broken)).toThrow("secret: expected v1:<nonce>:<ciphertext>");
});

test("a passphrase is made once, for its owner only", async () => {
  const all = await Promise.all([findPassphrase(folder, {}), findPassphrase(folder, {})]);
  expect(new Set(all).size).toBe(1);
  expect(statSync(join(folder, "passphrase")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, "passphrase"), "utf8")).toBe(all[0]);
});

test("the environment's passphrase comes first, an empty one too; then that of the file that it names", async () => {
  const file = join(folder, "named");
  writeFileSync(file, "of the file\n");
  const named = { PULUMI_CONFIG_PASSPHRASE_FILE: file };
  expect(await findPassphrase(folder, { ...named, PULUMI_CONFIG_PASSPHRASE: "mine" })).toBe("mine");
  expect(await findPassphrase(folder, { ...named, PULUMI_CONFIG_PASSPHRASE: "" })).toBe("");
  expect(await findPassphrase(folder, named)).toBe("of the file");
});
