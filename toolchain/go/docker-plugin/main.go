// Pulumi's docker plugin: the upstream Terraform provider behind Pulumi's bridge.
//
// State and programs must move freely between this plugin and Pulumi's own of the same version, so every name here
// is the one that the SDKs use (https://github.com/pulumi/pulumi-docker, provider/resources.go). Not included is
// docker.Image, the native builder: it is no part of the upstream provider.
package main

import (
	_ "embed"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/shim"
)

// version is set when linking.
var version string

// The engine asks for a schema only when it generates SDKs. The published SDK has the real one.
var schema = []byte(`{"name": "docker"}`)

func main() {
	tfbridge.Main("docker", version, provider(), schema)
}

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:       shimv2.NewProvider(shim.Provider()),
		Name:    "docker",
		Version: version,
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				EnvVars: []string{"DOCKER_HOST"},
				Value:   "unix:///var/run/docker.sock",
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_buildx_builder": resource("BuildxBuilder"),
			"docker_config":         resource("ServiceConfig"),
			"docker_container":      container(),
			"docker_image":          image(),
			"docker_network":        resource("Network"),
			"docker_plugin":         resource("Plugin"),
			"docker_registry_image": resource("RegistryImage"),
			"docker_secret":         resource("Secret"),
			"docker_service":        resource("Service"),
			"docker_tag":            resource("Tag"),
			"docker_volume":         resource("Volume"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"docker_image":                    dataSource("getRemoteImage"),
			"docker_logs":                     dataSource("getLogs"),
			"docker_network":                  dataSource("getNetwork"),
			"docker_plugin":                   dataSource("getPlugin"),
			"docker_registry_image":           dataSource("getRegistryImage"),
			"docker_registry_image_manifests": dataSource("getRegistryImageManifests"),
		},
	}
	info.SetAutonaming(255, "-")
	return info
}

func resource(name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tokens.Type(member(name))}
}

func dataSource(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: member(name)}
}

// member is a token as SDKs write it: docker:index/remoteImage:RemoteImage.
func member(name string) tokens.ModuleMember {
	return tokens.ModuleMember("docker:index/" + strings.ToLower(name[:1]) + name[1:] + ":" + name)
}

func container() *tfbridge.ResourceInfo {
	info := resource("Container")
	info.DeleteBeforeReplace = true // two containers cannot have one name, or publish one port
	info.Fields = map[string]*tfbridge.SchemaInfo{
		"command":           {Name: "command"},
		"networks_advanced": {Name: "networksAdvanced"},
	}
	return info
}

func image() *tfbridge.ResourceInfo {
	info := resource("RemoteImage")
	info.Fields = map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}}
	return info
}
