using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using static TorchSharp.torch;
using Module = TorchSharp.torch.nn.Module;

namespace StreamingCnn.Graph;

/// <summary>
/// What a layer computes with, but for the values of its weights, as text: two modules with the same settings are the
/// same kind of layer.
/// </summary>
internal static class LayerSettings
{
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> Fields = new();

    // Counters and the like, which change by running the layer.
    private static readonly ConcurrentDictionary<string, bool> Volatile = new();

    /// <summary>The settings of some objects and of the modules within them.</summary>
    public static Dictionary<string, string> Of(params object[] objects)
    {
        var settings = new Dictionary<string, string>();
        foreach (var one in objects)
        {
            Add(one, $"{one.GetType().AssemblyQualifiedName}", settings);
            if (one is not Module module)
                continue;
            foreach (var (name, inner) in module.named_modules())
                Add(inner, $"{one.GetType().AssemblyQualifiedName}/{name}:{inner.GetType().AssemblyQualifiedName}", settings);
            foreach (var (name, parameter) in module.named_parameters())
                settings[$"parameter {name}"] = $"[{string.Join(", ", parameter.shape)}] {parameter.dtype}";
        }

        return settings;
    }

    /// <summary>One text of them all.</summary>
    public static string Text(Dictionary<string, string> settings)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in settings)
        {
            if (!Volatile.ContainsKey(name))
                text.Append(name).Append('=').Append(value).Append(';');
        }

        return text.ToString();
    }

    /// <summary>Passes over from now on what running the layer has changed.</summary>
    public static void PassOver(Dictionary<string, string> before, Dictionary<string, string> after)
    {
        foreach (var (name, value) in before)
        {
            if (after.GetValueOrDefault(name) != value)
                Volatile[name] = true;
        }
    }

    private static void Add(object one, string prefix, Dictionary<string, string> settings)
    {
        settings[prefix] = one is Module module ? $"{module.training}" : "";
        foreach (var field in Fields.GetOrAdd(one.GetType(), Find))
        {
            if (Text(field.GetValue(one)) is { } value)
                settings[$"{prefix}.{field.Name}"] = value;
        }
    }

    /// <summary>
    /// The fields of a type and of those that it derives from, but for TorchSharp's own base classes, in which native
    /// handles stand.
    /// </summary>
    private static FieldInfo[] Find(Type type)
    {
        const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var fields = new List<FieldInfo>();
        for (var own = type; own is not null && own != typeof(object) && own.DeclaringType != typeof(nn); own = own.BaseType)
            fields.AddRange(own.GetFields(Declared));
        return [.. fields];
    }

    /// <summary>A setting's value; null for what is none.</summary>
    private static string? Text(object? value) => value switch
    {
        null => "null",
        string or ITuple or decimal => value.ToString(),
        Tensor tensor => tensor.IsInvalid ? "" : $"[{string.Join(", ", tensor.shape)}] {tensor.dtype}",
        _ when value.GetType() is { IsPrimitive: true } or { IsEnum: true } => value.ToString(),
        Array { Length: < 1000 } array when array.GetType().GetElementType()!.IsPrimitive =>
            string.Join(", ", ((IEnumerable)array).Cast<object>()),
        _ => null,
    };
}
