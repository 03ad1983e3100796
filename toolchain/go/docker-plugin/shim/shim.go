// Package shim hands out the upstream Terraform provider.
package shim

import (
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// Provider returns the provider for the Docker Engine API, with its schema and its create, read, update and delete.
func Provider() *schema.Provider {
	return provider.New("dev")()
}
