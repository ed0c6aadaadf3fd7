"""Statements, claims, payment batches and bank files: how shops get their money."""
