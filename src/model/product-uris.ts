/** Names that appear inside signed evidence. They identify, they are not fetched; docs/provenance.md says what they mean. */
export const productUris = {
  buildTypes: {
    github: 'https://cascadeguard.dev/build-types/github-actions/v1',
    gitlab: 'https://cascadeguard.dev/build-types/gitlab-ci/v1',
    local: 'https://cascadeguard.dev/build-types/local/v1',
  },
  /** Followed by what identifies the image: the namespace of an SPDX document. */
  sboms: 'https://cascadeguard.dev/sboms/',
  /** Who built on a machine that proves nothing about itself. */
  localBuilder: 'https://cascadeguard.dev/builders/local',
} as const;
