// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// Command compose-check loads a Compose file the way Docker's own command does, with its schema,
// interpolation and consistency checks, and prints the project as JSON. The `x-` keys of services,
// which the project's own JSON leaves out, stand beside it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

type result struct {
	Project    *types.Project              `json:"project"`
	Extensions map[string]types.Extensions `json:"extensions"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: compose-check FILE")
		os.Exit(2)
	}
	if err := print(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func print(file string) error {
	// WithOsEnv lets the caller's variables take part, as they do in `docker compose`.
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv, cli.WithInterpolation(true))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	extensions := map[string]types.Extensions{}
	for name, service := range project.Services {
		extensions[name] = service.Extensions
	}
	return json.NewEncoder(os.Stdout).Encode(result{project, extensions})
}
