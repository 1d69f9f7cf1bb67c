using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>One type's use of another.</summary>
/// <param name="File">The source file that uses it, from the project's folder on.</param>
/// <param name="UsedFile">The source file of the type that is used, or its assembly's name in brackets.</param>
/// <param name="UsedType">The type that is used.</param>
internal readonly record struct Dependency(string File, string UsedFile, string UsedType);

/// <summary>
/// Which source files of a project use which: read from its compiled assembly, method bodies included, since code sees the namespaces
/// around its own without a using directive. The symbols tell which file a type stands in.
/// </summary>
internal sealed partial class AssemblyDependencies : IDisposable
{
    // Custom debug information that names the files of types without code, such as enumerations and interfaces.
    private static readonly Guid TypeDefinitionDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    private readonly PEReader file;
    private readonly MetadataReaderProvider symbolFile;
    private readonly MetadataReader metadata;
    private readonly MetadataReader symbols;
    private readonly Dictionary<TypeDefinitionHandle, string> files = [];

    /// <summary>Opens an assembly and the symbols beside it.</summary>
    /// <param name="path">The assembly.</param>
    /// <param name="project">The project's folder, of which the paths are taken.</param>
    public AssemblyDependencies(string path, string project)
    {
        file = new PEReader(File.OpenRead(path));
        metadata = file.GetMetadataReader();
        symbolFile = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(path, ".pdb")));
        symbols = symbolFile.GetMetadataReader();
        foreach (var type in metadata.TypeDefinitions)
        {
            if (Documents(type).Select(document => Within(document, project))
                .FirstOrDefault(document => document is not null) is { } source)
                files[type] = source;
        }
    }

    /// <summary>All uses of one file's types by another's, each once.</summary>
    public IReadOnlyCollection<Dependency> All()
    {
        var all = new HashSet<Dependency>();
        foreach (var handle in metadata.TypeDefinitions)
        {
            // What the compiler makes by itself stands in no file.
            if (FileOf(handle) is not { } user)
                continue;
            foreach (var used in new TypeUses(metadata, file).Of(handle))
            {
                if (used.Kind == HandleKind.TypeDefinition)
                {
                    var type = Outermost((TypeDefinitionHandle)used);
                    if (FileOf(type) is { } source && source != user)
                        all.Add(new(user, source, metadata.GetString(metadata.GetTypeDefinition(type).Name)));
                }
                else
                {
                    var type = metadata.GetTypeReference((TypeReferenceHandle)used);
                    if (type.ResolutionScope.Kind == HandleKind.AssemblyReference)
                        all.Add(new(user, $"[{metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name)}]", metadata.GetString(type.Name)));
                }
            }
        }

        return all;
    }

    public void Dispose()
    {
        file.Dispose();
        symbolFile.Dispose();
    }

    [GeneratedRegex(@"(^|/)obj/")]
    private static partial Regex Generated();

    private static string? Within(string document, string project)
    {
        var path = document.Replace('\\', '/');
        var start = path.LastIndexOf($"/{project}/", StringComparison.Ordinal);
        var relative = start < 0 ? null : path[(start + project.Length + 2)..];
        return relative is null || Generated().IsMatch(relative) ? null : relative;
    }

    private string? FileOf(TypeDefinitionHandle type) => files.GetValueOrDefault(Outermost(type));

    private TypeDefinitionHandle Outermost(TypeDefinitionHandle type)
    {
        while (metadata.GetTypeDefinition(type).GetDeclaringType() is { IsNil: false } outer)
            type = outer;
        return type;
    }

    private IEnumerable<string> Documents(TypeDefinitionHandle handle)
    {
        foreach (var method in metadata.GetTypeDefinition(handle).GetMethods())
        {
            var document = symbols.GetMethodDebugInformation(method.ToDebugInformationHandle()).Document;
            if (!document.IsNil)
                yield return symbols.GetString(symbols.GetDocument(document).Name);
        }

        foreach (var information in symbols.GetCustomDebugInformation(handle).Select(symbols.GetCustomDebugInformation))
        {
            if (symbols.GetGuid(information.Kind) != TypeDefinitionDocuments)
                continue;
            var blob = symbols.GetBlobReader(information.Value);
            while (blob.RemainingBytes > 0)
                yield return symbols.GetString(symbols.GetDocument(MetadataTokens.DocumentHandle(blob.ReadCompressedInteger())).Name);
        }
    }
}
