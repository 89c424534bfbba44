import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameBase, stemOf } from './base-name.ts';
import { discoverBases } from './discover.ts';
import { pinDockerfile } from './pin-dockerfile.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const old = `sha256:${'b'.repeat(64)}`;
const node = 'docker.io/library/node:22';
const pin = (text: string, identity = node) => pinDockerfile(text, 'Dockerfile', identity, digest).text;

describe('pinning a Dockerfile', () => {
  it.each([
    ['FROM node:22\n', `FROM node:22@${digest}\n`],
    [`from  node:22@${old}  as Builder\r\n`, `from  node:22@${digest}  as Builder\r\n`],
    ['FROM --platform=$BUILDPLATFORM node:22', `FROM --platform=$BUILDPLATFORM node:22@${digest}`],
    ['FROM \\\n  node:22\n', `FROM \\\n  node:22@${digest}\n`],
    ['ARG BASE=node:22\nFROM ${BASE}\n', `ARG BASE=node:22@${digest}\nFROM \${BASE}\n`],
    [
      'FROM docker.io/library/node:22\nFROM alpine:3.20\n',
      `FROM docker.io/library/node:22@${digest}\nFROM alpine:3.20\n`,
    ],
    ['FROM alpine\nCOPY --from=node:22 /a /b\n', `FROM alpine\nCOPY --from=node:22@${digest} /a /b\n`],
    [
      'FROM alpine\nRUN --mount=type=bind,from=node:22,target=/n true\n',
      `FROM alpine\nRUN --mount=type=bind,from=node:22@${digest},target=/n true\n`,
    ],
  ])('changes exactly the reference in %j', (text, wanted) => {
    expect(pin(text)).toBe(wanted);
    expect(pin(wanted)).toBe(wanted);
  });

  it.each([
    'ARG V=22\nFROM node:${V}\n',
    '# FROM node:22\nFROM scratch\n',
    'FROM node:22-slim\n',
    'FROM alpine\nRUN <<EOF\nFROM node:22\nEOF\n',
    `FROM node@${old}\n`,
    '# syntax=node:22\nFROM alpine\n',
  ])('leaves %j alone', text => {
    expect(pin(text)).toBe(text);
  });

  it('writes the tag that a name without one means, so that it can still be followed', () => {
    expect(pin('FROM nginx\n', 'docker.io/library/nginx:latest')).toBe(`FROM nginx:latest@${digest}\n`);
  });

  it('changes nothing but references, whatever stands around them', () => {
    const line = fc.constantFrom(
      'FROM node:22',
      'RUN true',
      '# x',
      'COPY a b',
      'FROM alpine AS x',
      '\tENV A=node:22',
      '',
      'FROM node:22 AS y',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const text = ['FROM node:22', ...lines].join(end);
        expect(pin(text).replaceAll(`@${digest}`, '')).toBe(text);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe('naming bases', () => {
  it.each([
    ['node:22-bookworm-slim', 'docker.io/library/node:22-bookworm-slim', 'node-22-bookworm-slim'],
    ['docker.io/library/node:22', node, 'node-22'],
    ['ghcr.io/owner/image:v1.0', 'ghcr.io/owner/image:v1.0', 'ghcr.io-owner-image-v1.0'],
    ['nginx', 'docker.io/library/nginx:latest', 'nginx'],
    ['localhost:5000/img:1', 'localhost:5000/img:1', 'localhost-5000-img-1'],
    ['registry:5000/a/b', 'registry:5000/a/b:latest', 'registry-5000-a-b'],
    [`nginx:1.28@${digest}`, 'docker.io/library/nginx:1.28', 'nginx-1.28'],
  ])('reads %s', (text, identity, stem) => {
    const named = nameBase(text);
    expect('value' in named && named.value.base).toMatchObject({ identity, stem });
    expect(stemOf(text)).not.toMatch(/[^A-Za-z0-9._-]/);
  });

  it('finds each base once, however often and wherever it is named', () => {
    const text =
      '# syntax=docker/dockerfile:1\nFROM node:22 AS Builder\nFROM builder\nCOPY --from=0 /a /b\nCOPY --from=ghcr.io/o/tool:1 /a /b\nFROM docker.io/library/node:22\n';
    const { uses } = discoverBases(text, 'Dockerfile');
    expect(uses.map(({ identity, mentions }) => [identity, mentions.map(({ kind }) => kind)])).toEqual([
      ['docker.io/docker/dockerfile:1', ['frontend']],
      [node, ['build', 'base']],
      ['ghcr.io/o/tool:1', ['copy']],
    ]);
  });
});
