using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using static TorchSharp.torch.nn;
using Module = TorchSharp.torch.nn.Module;

namespace StreamingCnn.Graph;

/// <summary>
/// Forward hooks and pre-hooks of modules. TorchSharp runs them in <c>call</c> and does not show them; the engine runs
/// layers on its own terms and would pass them over.
/// </summary>
internal static class ForwardHooks
{
    /// <summary>Where TorchSharp keeps them.</summary>
    internal static readonly string[] FieldNames = ["pre_hooks", "post_hooks", "module_pre_hooks", "module_post_hooks"];

    private static readonly ConcurrentDictionary<Type, FieldInfo[]> Fields = new();

    /// <summary>Whether a module has any.</summary>
    /// <exception cref="NotSupportedException">This version of TorchSharp keeps them elsewhere.</exception>
    public static bool Are(Module module)
    {
        foreach (var field in Fields.GetOrAdd(module.GetType(), Find))
        {
            if (((ICollection)field.GetValue(module)!).Count > 0)
                return true;
        }

        return false;
    }

    /// <summary>Refuses modules with hooks.</summary>
    /// <exception cref="UnsupportedLayerException">There is such a module.</exception>
    public static void Refuse(IEnumerable<(string Path, Module Module)> modules)
    {
        foreach (var (path, module) in modules)
        {
            if (Are(module))
            {
                throw new UnsupportedLayerException(
                    path,
                    module.GetType().Name,
                    "has forward hooks, which tiles would not run as the whole image does; remove them, or write what they do as a layer");
            }
        }
    }

    private static FieldInfo[] Find(Type type)
    {
        var hookable = type;
        while (hookable is not null && !(hookable.IsGenericType && hookable.GetGenericTypeDefinition() == typeof(HookableModule<,>)))
            hookable = hookable.BaseType;
        return hookable is null ? [] : Array.ConvertAll(FieldNames, name => Field(hookable, name));
    }

    private static FieldInfo Field(Type hookable, string name) =>
        hookable.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public) is { } field
            && typeof(ICollection).IsAssignableFrom(field.FieldType)
            ? field
            : throw new NotSupportedException(
                $"TorchSharp {hookable.Assembly.GetName().Version} has no field '{name}', "
                + "so the engine cannot see whether a layer has forward hooks; use TorchSharp 0.107.");
}
