using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import;

/// <summary>
/// Keeps modules and parameters under names with dots, so that they have the names of the file: each part of a name but the last is a
/// module that does nothing.
/// </summary>
/// <param name="root">The module that they belong to.</param>
internal sealed class ParameterTree(Module root)
{
    private const int MostParts = 32;

    private readonly HashSet<string> taken = [];
    private readonly HashSet<Module> modules = new(ReferenceEqualityComparer.Instance);
    private Module root = root;

    /// <summary>Whether a module is kept.</summary>
    public bool Has(Module module) => modules.Contains(module);

    /// <summary>Makes all of it a part of another module, under the same names.</summary>
    public void MoveTo(Module other)
    {
        foreach (var (name, child) in root.named_children())
            other.register_module(name, child);
        foreach (var (name, parameter) in root.named_parameters(recurse: false))
            other.register_parameter(name, parameter);
        root = other;
    }

    /// <summary>Keeps a module under a name, or under the next free one.</summary>
    /// <returns>The name.</returns>
    public string Add(string name, Module module)
    {
        var free = Free(name);
        var (parent, last) = Parent(free);
        parent.register_module(last, module);
        modules.Add(module);
        return free;
    }

    /// <summary>Keeps a parameter under a name, or under the next free one.</summary>
    /// <returns>Finds it: moved to another type or device, it is another one.</returns>
    public Func<Parameter> Add(string name, Tensor values)
    {
        var path = Free(name);
        var (parent, last) = Parent(path);
        parent.register_parameter(last, new Parameter(values));
        return () => Parent(path).Parent.get_parameter(last)
            ?? throw new InvalidOperationException($"The parameter '{path}' has been taken away.");
    }

    /// <summary>A name as modules may have it: of parts that are not empty, with dots between.</summary>
    public static string Clean(string name)
    {
        var parts = name.TrimEnd('\'').Replace("::", "_", StringComparison.Ordinal)
            .Split(['.', '/', ':'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return parts.Length switch
        {
            0 => "unnamed",
            // Each part is a module within another.
            > MostParts => string.Join('.', [.. parts[..MostParts], string.Join('_', parts[MostParts..])]),
            _ => string.Join('.', parts),
        };
    }

    private string Free(string name)
    {
        var clean = Clean(name);
        var free = clean;
        for (var number = 2; !taken.Add(free) || IsTaken(free); number++)
            free = $"{clean}_{number}";
        return free;
    }

    private bool IsTaken(string path)
    {
        var (parent, name) = Parent(path);
        return parent.named_children().Any(child => child.name == name)
            || parent.named_parameters(recurse: false).Any(parameter => parameter.name == name)
            || parent.named_buffers(recurse: false).Any(buffer => buffer.name == name);
    }

    private (Module Parent, string Name) Parent(string path)
    {
        var parts = path.Split('.');
        var parent = root;
        foreach (var part in parts[..^1])
        {
            var inner = parent.named_children().FirstOrDefault(child => child.name == part).module;
            if (inner is null)
            {
                inner = new Scope();
                parent.register_module(part, inner);
            }

            parent = inner;
        }

        return (parent, parts[^1]);
    }

    /// <summary>A part of a name.</summary>
    private sealed class Scope() : Module(nameof(Scope));
}
