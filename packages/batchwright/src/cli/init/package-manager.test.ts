import { expect, test } from 'vitest'
import { packageManagerOf } from './package-manager.ts'

test('the package manager is the one that started the command, else the one whose lock file is there, else npm', () => {
  expect(packageManagerOf('pnpm/10.2.0 npm/? node/v24.1.0 linux x64', ['yarn.lock']).name).toBe('pnpm')
  expect(packageManagerOf(undefined, ['yarn.lock']).name).toBe('yarn')
  expect(packageManagerOf('npm/11.0.0 node/v24.1.0', ['pnpm-lock.yaml']).name).toBe('pnpm')
  expect(packageManagerOf('npm/11.0.0 node/v24.1.0', []).name).toBe('npm')
})

test('commands are written as the package manager takes them', () => {
  const text = 'npx batchwright run orders\nnpm test\nnpm run check\nnpm run sample -- 500\n      - run: npm ci\n'
  expect(packageManagerOf(undefined, []).speak(text)).toBe(text)
  expect(packageManagerOf('pnpm/10', []).speak(text)).toBe(
    'pnpm exec batchwright run orders\npnpm test\npnpm check\npnpm sample 500\n' +
      '      - run: corepack enable\n      - run: pnpm install\n',
  )
  expect(packageManagerOf('yarn/4', []).command('jobs')).toBe('yarn batchwright jobs')
})
