/** Ranges of private addresses: which overlap, which are free. */
import { BlockList, isIPv4 } from "node:net";
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";

export interface Range {
  cidr: string;
  /** Who holds it, in Compute's words. */
  holder: string;
}

/** Base address and length of `a.b.c.d/n`; undefined unless the base is the first address of the range. */
export function parseCidr(cidr: string): { base: string; length: number } | undefined {
  const [base = "", length = ""] = cidr.split("/");
  if (!isIPv4(base) || !/^\d{1,2}$/.test(length) || Number(length) > 32) return undefined;
  const size = 2 ** (32 - Number(length));
  return toNumber(base) % size === 0 ? { base, length: Number(length) } : undefined;
}

export function overlaps(a: string, b: string): boolean {
  return contains(a, b) || contains(b, a);
}

export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parseCidr(outer), parseCidr(inner)];
  if (!a || !b || a.length > b.length) return false;
  const list = new BlockList();
  list.addSubnet(a.base, a.length);
  return list.check(b.base);
}

const toNumber = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (number: number) => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");

/** The first usable address, which is the range's gateway. */
export const gatewayOf = (cidr: string) => toAddress(toNumber(parseCidr(cidr)!.base) + 1);

/** Ranges that a network's subnets and reserved addresses hold. */
export async function rangesIn(network: string, cloud: Cloud): Promise<Range[]> {
  const { id } = cloud.project;
  const regional = await cloud.store.list(`projects/${id}/regions/`);
  const subnets = regional.filter(({ key, value }) => key.includes("/subnetworks/") && value.network === network);
  const global = await cloud.store.list(`projects/${id}/global/addresses/`);
  const reserved = global.filter(({ value }) => value.network === network && value.prefixLength !== undefined);
  return [
    ...subnets.flatMap(({ key, value }) => rangesOf(value).map((cidr) => ({ cidr, holder: subnetText(key) }))),
    ...reserved.map(({ key, value }) => ({
      cidr: `${textOf(value.address)}/${textOf(value.prefixLength)}`,
      holder: `existing reserved range '${key.split("/").at(-1)}'`,
    })),
  ];
}

const subnetText = (key: string) => {
  const [, , , region, , name] = key.split("/");
  return `existing subnetwork '${name}' in region '${region}'`;
};

export function rangesOf(subnet: JsonObject): string[] {
  const secondary = (subnet.secondaryIpRanges ?? []) as JsonObject[];
  return [subnet.ipCidrRange, ...secondary.map(({ ipCidrRange }) => ipCidrRange)].map(textOf).filter(Boolean);
}

/** Private space in the order in which it is given away. Source: RFC 1918. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** First address of a free range of that length. */
export function freeRange(length: number, taken: readonly Range[]): string | undefined {
  const size = 2 ** (32 - length);
  for (const space of PRIVATE) {
    const { base, length: whole } = parseCidr(space)!;
    const end = toNumber(base) + 2 ** (32 - whole);
    for (let start = toNumber(base); start + size <= end; start += size) {
      const cidr = `${toAddress(start)}/${length}`;
      if (!taken.some((range) => overlaps(range.cidr, cidr))) return toAddress(start);
    }
  }
  return undefined;
}
