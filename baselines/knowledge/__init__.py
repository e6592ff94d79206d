"""Knowledge bases: where passages come from."""
