import tseslint from 'typescript-eslint'
import house, { THROUGH_KERNEL } from './lint/house.js'

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      '**/.batchwright/',
      '**/*.js',
      '**/*.mjs',
      '**/out/',
      'packages/*/templates/',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { house },
    rules: {
      'house/import-direction': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unsafe-type-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-syntax': ['error', ...THROUGH_KERNEL],
    },
  },
  {
    // The kernel is where the real clock and real chance live; tests and benchmarks measure with the wall clock.
    files: [
      'packages/batchwright/src/kernel/*.ts',
      '**/*.test.ts',
      'bench/**/*.ts',
      'test/**/*.ts',
      'examples/**/*.ts',
    ],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // Type tests assert on promises and loose shapes on purpose.
    files: ['**/*.test.ts', '**/conformance/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-type-assertion': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
)
