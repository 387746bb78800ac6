import { beforeEach, inject } from 'vitest'

// Beside every test file of the project `postgres`.
const postgres = inject('postgres')
beforeEach(({ skip }) => {
  if ('missing' in postgres) skip(postgres.missing)
})
